/** Answers a request for one of Doorward's own paths, and a challenge that begins a login. The one entrance to src/endpoints for a Check. */

import type { Eventually } from '../core/ports.ts';
import { refusal } from './answers.ts';
import { backchannelLogout } from './logout/backchannel.ts';
import { frontchannelLogout } from './logout/frontchannel.ts';
import type { Endpoint, EndpointAnswer, EndpointContext, EndpointPorts } from './endpoint.ts';
import { home } from './home.ts';
import { callback } from './login/callback.ts';
import { signIn } from './login/sign-in.ts';
import { ticket } from './login/ticket.ts';
import type { EndpointName, OwnPath } from './own-paths.ts';
import { events } from './signals/events.ts';
import { signedOut, signOut, signOutConfirm } from './sign-out.ts';
import { user } from './user.ts';
import { jwks, metadata } from './well-known.ts';

export { beginLogin } from './login/begin.ts';

const endpoints: Readonly<Record<Exclude<EndpointName, 'method_not_allowed'>, Endpoint>> = {
  home,
  user,
  sign_in: signIn,
  sign_out_confirm: signOutConfirm,
  sign_out: signOut,
  signed_out: signedOut,
  callback,
  ticket,
  backchannel_logout: backchannelLogout,
  frontchannel_logout: frontchannelLogout,
  events,
  jwks,
  metadata,
  unknown: (context) => refusal(context, 'route-not-found', 'no endpoint has this path'),
};

/** @throws DependencyError, as a value thrown or a promise rejected; the caller answers 503 and audits. */
export function answerEndpoint(
  path: OwnPath,
  context: EndpointContext,
  ports: EndpointPorts,
): Eventually<EndpointAnswer> {
  if (path.endpoint === 'method_not_allowed') {
    return refusal(context, 'method-not-allowed', 'the endpoint has other methods', [['allow', path.allow]]);
  }
  const answer = endpoints[path.endpoint](context, ports);
  if (context.request.method !== 'HEAD') return answer;
  return answer instanceof Promise ? answer.then(withoutBody) : withoutBody(answer);
}

/** RFC 9110 §9.3.2. */
const withoutBody = (answer: EndpointAnswer): EndpointAnswer => ({
  ...answer,
  response: { ...answer.response, body: '' },
});
