/** What `${...}` in `set_request_headers` may refer to. Unknown references, and all but the request's own where nobody is signed in, are empty. */

import { createHash, X509Certificate } from 'node:crypto';

import type { Subject } from '../policy/facts.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { Session } from '../session/session.ts';
import { claimValues, HEADER_VALUE_MAX, headerText } from './claim-text.ts';

export type ReferenceSource = {
  readonly request: AccessRequest;
  readonly session: Session | undefined;
  readonly subject: Subject | undefined;
};

/**
 * `pomerium.jwt`, `pomerium.id_token`, `pomerium.access_token`, `pomerium.client_cert_fingerprint`, `pomerium.request.headers["X"]` (and the same
 * below `doorward.`), `user.id`, `user.email`, `user.name`, `groups`, `claims.<path>`.
 */
export function resolveReference(reference: readonly string[], source: ReferenceSource, jwt: () => string): string {
  const [root, ...path] = reference;
  switch (root) {
    case 'pomerium':
    case 'doorward':
      return ownReference(path, source, jwt);
    case 'user':
      return source.subject === undefined ? '' : userReference(path, source.subject);
    case 'groups':
      return headerText(source.subject?.groups ?? []);
    case 'claims':
      return source.subject === undefined ? '' : headerText(claimValues(path.join('.'), source.subject) ?? []);
    default:
      return '';
  }
}

function userReference([field]: readonly string[], subject: Subject): string {
  switch (field) {
    case 'id':
      return headerText([subject.userId]);
    case 'email':
      return headerText([subject.email]);
    case 'name':
      return headerText([subject.name]);
    default:
      return '';
  }
}

function ownReference(path: readonly string[], source: ReferenceSource, jwt: () => string): string {
  const { request, session } = source;
  switch (path[0]) {
    case 'jwt':
      return jwt();
    case 'id_token':
      return tokenText(session?.tokens.idToken);
    case 'access_token':
      return tokenText(session?.tokens.accessToken);
    case 'client_cert_fingerprint':
      return fingerprintOf(request.source.certificate);
    case 'request':
      return path[1] === 'headers' && path[2] !== undefined ? requestHeader(request, path[2]) : '';
    default:
      return '';
  }
}

/** Tokens are printable ASCII (RFC 6750 §2.1); whatever a provider sends besides is no token. */
const tokenText = (token: string | undefined): string =>
  token !== undefined && token.length <= HEADER_VALUE_MAX && /^[\x21-\x7e]+$/.test(token) ? token : '';

/** Lines joined by a comma (RFC 9110 §5.3), if they can be sent as they came. */
function requestHeader(request: AccessRequest, name: string): string {
  const text = request.headers.lines(name.toLowerCase()).join(',');
  return text.length <= HEADER_VALUE_MAX && /^[\t\x20-\x7e]*$/.test(text) ? text : '';
}

/** Lower-case hex SHA-256 of the leaf as presented. It says nothing of whether anybody vouches for it. */
function fingerprintOf(certificate: string): string {
  if (certificate === '') return '';
  try {
    return createHash('sha256')
      .update(new X509Certificate(decodeURIComponent(certificate)).raw)
      .digest('hex');
  } catch {
    return '';
  }
}
