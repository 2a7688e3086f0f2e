/** What `${...}` in `set_request_headers` may refer to, and what each reference stands for. */

import type { PolicySemantics } from '../config.ts';
import type { CertificateFacts } from '../policy/facts.ts';
import type { IdpTokens } from '../session/session.ts';
import { claimOf, type AssertedIdentity } from './claim-set.ts';
import { encodeElement, pomeriumHeaderText, strictHeaderText } from './claim-text.ts';

/** Undefined members are what an anonymous request lacks. Functions are asked only when a template refers to them. */
export type ReferenceSource = {
  readonly semantics: PolicySemantics;
  readonly identity: AssertedIdentity | undefined;
  readonly tokens: Pick<IdpTokens, 'accessToken' | 'idToken'> | undefined;
  assertion(): string;
  certificate(): CertificateFacts;
  /** The value of a header of the request, lines joined by `,`; empty where the client sent none. */
  requestHeader(name: string): string;
};

/**
 * Below `pomerium.` and, the same, below `doorward.`: `access_token`, `id_token`, `jwt`, `client_cert_fingerprint`, `client_cert_san_dns`,
 * `client_cert_san_email`, `request.headers["X"]`. Besides: `user.id`, `user.email`, `user.name`, `groups`, `claims.<path>`. Everything else is
 * unknown and stands for nothing.
 */
export function resolveReference(reference: readonly string[], source: ReferenceSource): string {
  const [root, ...path] = reference;
  switch (root) {
    case 'pomerium':
    case 'doorward':
      return ownReference(path, source);
    case 'user':
      return userReference(path, source);
    case 'groups':
      return path.length === 0 ? textOf(source.identity?.groups ?? [], source) : '';
    case 'claims':
      return textOf((source.identity && claimOf(source.identity, path.join('.'))) ?? [], source);
    default:
      return '';
  }
}

const ownNames: ReadonlySet<string> = new Set([
  ...['access_token', 'id_token', 'jwt'],
  ...['client_cert_fingerprint', 'client_cert_san_dns', 'client_cert_san_email'],
]);
const userNames: ReadonlySet<string> = new Set(['id', 'email', 'name']);

/** Whether a reference can ever stand for something; what cannot is worth a warning at load. */
export function isKnownReference(reference: readonly string[]): boolean {
  const [root, first = '', second] = reference;
  switch (root) {
    case 'pomerium':
    case 'doorward':
      if (first === 'request') return second === 'headers' && reference.length > 3;
      return reference.length === 2 && ownNames.has(first);
    case 'user':
      return reference.length === 2 && userNames.has(first);
    case 'groups':
      return reference.length === 1;
    case 'claims':
      return reference.length > 1;
    default:
      return false;
  }
}

export const refersToAssertion = (reference: readonly string[]): boolean =>
  isKnownReference(reference) && reference[1] === 'jwt' && reference[0] !== 'claims';

function ownReference(path: readonly string[], source: ReferenceSource): string {
  const [name, second, header] = path;
  if (name === 'request') return second === 'headers' && header !== undefined ? source.requestHeader(header) : '';
  if (path.length !== 1) return '';
  switch (name) {
    case 'access_token':
      return source.tokens?.accessToken ?? '';
    case 'id_token':
      return source.tokens?.idToken ?? '';
    case 'jwt':
      return source.assertion();
    case 'client_cert_fingerprint':
      return leafOf(source)?.fingerprint ?? '';
    case 'client_cert_san_dns':
      return sanList(leafOf(source)?.sanDns, source);
    case 'client_cert_san_email':
      return sanList(leafOf(source)?.sanEmail, source);
    default:
      return '';
  }
}

function userReference(path: readonly string[], source: ReferenceSource): string {
  const { identity } = source;
  if (identity === undefined || path.length !== 1) return '';
  switch (path[0]) {
    case 'id':
      return textOf(identity.userId, source);
    case 'email':
      return textOf(identity.email, source);
    case 'name':
      return textOf(identity.name, source);
    default:
      return '';
  }
}

const textOf = (value: string | Parameters<typeof strictHeaderText>[0], { semantics }: ReferenceSource): string =>
  semantics === 'strict' ? strictHeaderText(value) : pomeriumHeaderText(value);

/** SECURITY: in the strict semantics a certificate says something only where it was validated; a client can make any other himself. */
function leafOf(source: ReferenceSource): CertificateFacts['leaf'] {
  const { valid, leaf } = source.certificate();
  return valid || source.semantics === 'pomerium' ? leaf : undefined;
}

/** A name with a comma would look like two, and is left out. */
const sanList = (names: readonly string[] | undefined, { semantics }: ReferenceSource): string =>
  (names ?? [])
    .filter((name) => !name.includes(','))
    .map((name) => (semantics === 'strict' ? encodeElement(name) : name))
    .join(',');
