/**
 * Back-channel logout: an identity provider says that a login there is over, and the sessions that came of it are ended before it is answered
 * (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8). SECURITY: until the signature is verified nothing is written.
 */

import type { LogoutTrust, RevocationTarget } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { assertConfirmed } from '../../core/session/revocation.ts';
import { readLogoutToken, type LogoutToken } from '../../core/signals/logout-token.ts';
import { claimedIssuer } from '../../core/signals/signed-message.ts';
import { jsonAnswer } from '../answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { singleParameters } from '../parameters.ts';
import { trustedBy } from './issuers.ts';
import { messageBody } from './message-body.ts';

/** @throws DependencyError where it cannot be known, or is not confirmed: the provider asks again */
export async function backchannelLogout(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  const token = tokenOf(context);
  if (!token.ok) return refused(token.error);
  const verified = await verify(token.value, context, ports);
  if (!verified.ok) return refused(verified.error);
  const { logout, issuer } = verified.value;
  const id = `logout-token ${JSON.stringify([issuer, logout.jti])}`;
  if (await ports.once.wasUsed(id)) return refused('the logout token was used before');

  const ended = await ports.sessions.revoke(targetOf(logout, issuer), 'idp-logout');
  assertConfirmed(ended);
  // Only what was carried out is used up: one that was not may be sent again.
  await ports.once.use(id, Math.max(1, logout.expiresAt - context.now));
  const what = logout.ended.kind === 'login' ? 'one login at the provider' : 'all logins of a user';
  return jsonAnswer('{}', {
    detail: `back-channel logout of ${what}: ${ended.sessions ?? 'an unknown number of'} sessions`,
  });
}

function tokenOf({ request }: EndpointContext): Result<string, string> {
  const body = messageBody(request, 'application/x-www-form-urlencoded');
  if (!body.ok) return body;
  const parameters = singleParameters(body.value, ['logout_token']);
  if (!parameters.ok) return parameters;
  const token = parameters.value.logout_token;
  return token === undefined ? err('there is no logout_token') : ok(token);
}

type Verified = { readonly logout: LogoutToken; readonly issuer: string };

/** By the first client of that issuer for which it holds. */
async function verify(
  token: string,
  context: EndpointContext,
  ports: EndpointPorts,
): Promise<Result<Verified, string>> {
  const issuer = claimedIssuer(token);
  if (!issuer.ok) return issuer;
  const trusted = (await trustedBy(issuer.value, ports.idps)).filter(({ backchannelLogout: mode }) => mode !== 'off');
  let failure = 'no identity provider that may end sessions has this issuer';
  for (const trust of trusted) {
    const logout = await verifyBy(trust, token, context, ports);
    if (logout.ok) return ok({ logout: logout.value, issuer: trust.issuer });
    failure = logout.error;
  }
  return err(failure);
}

async function verifyBy(
  trust: LogoutTrust,
  token: string,
  { now }: EndpointContext,
  { messages }: EndpointPorts,
): Promise<Result<LogoutToken, string>> {
  const message = await messages.verify(token, trust);
  if (!message.ok) return message;
  const { issuer, clientId } = trust;
  return readLogoutToken(message.value, {
    issuer,
    clientId,
    isTypeOptional: trust.backchannelLogout === 'any',
    now,
  });
}

const targetOf = ({ ended }: LogoutToken, issuer: string): RevocationTarget =>
  ended.kind === 'login'
    ? { kind: 'idp-session', issuer, sid: ended.sid }
    : { kind: 'user', issuer, subject: ended.subject };

/** §2.8. `description` is of the checks, never text of the message. */
const refused = (description: string): EndpointAnswer =>
  jsonAnswer(JSON.stringify({ error: 'invalid_request', error_description: description }), {
    code: 'bad-request',
    detail: description,
  });
