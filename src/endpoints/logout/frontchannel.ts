/**
 * Front-channel logout: a page of the identity provider shows this in a frame, and the sessions of the login that it names are ended (OpenID
 * Connect Front-Channel Logout 1.0 §2). No cookie is needed, since browsers send none to frames of other sites. `sid` is what has to be known.
 * SECURITY: anybody may ask, so nothing is written unless there is a live session of that login.
 */

import { ownHeaders } from '../../core/response/own-headers.ts';
import { assertConfirmed } from '../../core/session/revocation.ts';
import { refusal } from '../answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { singleParameters } from '../parameters.ts';
import { dropSessionCookie } from '../session-cookies.ts';
import { trustedBy } from './issuers.ts';

const SID_CHARS_MAX = 512;

/** @throws DependencyError where it cannot be known, or is not confirmed */
export async function frontchannelLogout(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  const parameters = singleParameters(context.target.query, ['iss', 'sid']);
  if (!parameters.ok) return refusal(context, 'bad-request', parameters.error);
  const { iss: issuer, sid } = parameters.value;
  if (issuer === undefined || sid === undefined || sid.length > SID_CHARS_MAX) {
    return refusal(context, 'bad-request', 'a front-channel logout names iss and sid');
  }
  const [trust] = await trustedBy(issuer, ports.idps);
  if (trust === undefined) return refusal(context, 'bad-request', 'no identity provider has this issuer');
  const login = { issuer, sid };
  const [live] = await ports.sessions.list({ idpSession: login, limit: 1 });
  let detail = 'front-channel logout of a login without sessions here';
  if (live !== undefined) {
    const ended = await ports.sessions.revoke({ kind: 'idp-session', ...login }, 'idp-logout');
    assertConfirmed(ended);
    detail = `front-channel logout of one login at the provider: ${ended.sessions ?? 'an unknown number of'} sessions`;
  }
  const isOwn = context.session?.issuer === issuer && context.session.idpSessionId === sid;
  return {
    code: 'own-response',
    detail,
    response: {
      status: 200,
      headers: [
        ...ownHeaders('text/html; charset=utf-8'),
        // §2: the answer must not come out of a cache. It may be shown by that provider's pages, and is nothing.
        ['content-security-policy', `default-src 'none'; frame-ancestors ${new URL(issuer).origin}`],
        ['referrer-policy', 'no-referrer'],
        ...(isOwn ? [['set-cookie', dropSessionCookie(context)] as const] : []),
      ],
      body: '<!doctype html><title>Signed out</title>',
    },
  };
}
