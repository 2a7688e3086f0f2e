/** `/.doorward/user`: what is known of the user, as JSON. No token, no session id, nothing that would let anybody act as the user. */

import { subjectOf } from '../core/facts.ts';
import type { Claims, ClaimValue, Session } from '../core/session/session.ts';
import { jsonAnswer } from './answers.ts';
import type { EndpointAnswer, EndpointContext } from './endpoint.ts';
import { PATHS } from './own-paths.ts';

/** Claims about the token and not about the user (RFC 7519 §4.1, OpenID Connect Core §2, §3.1.3.6, back-channel logout's `sid`). */
const TOKEN_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
]);

export function user(context: EndpointContext): EndpointAnswer {
  if (context.session === undefined) return notSignedIn(context);
  return jsonAnswer(JSON.stringify(describeUser(context.session)));
}

/** JSON to everybody, whatever else the client could read: this is an endpoint for programs. */
const notSignedIn = (context: EndpointContext): EndpointAnswer =>
  jsonAnswer(JSON.stringify({ error: 'login-required', sign_in: PATHS.signIn, request_id: context.requestId }), {
    code: 'login-required',
    detail: 'nobody is signed in',
    // RFC 9110 §15.5.2: a 401 says how to authenticate; as every other one of Doorward does.
    headers: [['www-authenticate', 'Bearer realm="doorward"']],
  });

const describeUser = (session: Session): Readonly<Record<string, unknown>> => ({
  sub: session.subject,
  user: session.subject,
  email: session.email,
  email_verified: session.emailVerified,
  name: session.name,
  groups: subjectOf(session).groups ?? [],
  issuer: session.issuer,
  idp: session.idp,
  auth_time: session.authTime,
  signed_in_at: session.createdAt,
  expires_at: session.expiresAt,
  claims: claimsObject(session.claims, session.userClaims),
});

/** Lists, as policies see them; userinfo's win. `fromEntries` makes own properties, so a claim may be called `__proto__`. */
const claimsObject = (...sources: readonly Claims[]): Readonly<Record<string, readonly ClaimValue[]>> =>
  Object.fromEntries(sources.flatMap((claims) => [...claims]).filter(([name]) => !TOKEN_CLAIMS.has(name)));
