/**
 * upstreamOf: everything that an allowed request is changed by on its way to the upstream. The only place that decides what an upstream hears
 * about who calls; what a client says about it ends here.
 */

import { DependencyError } from '../ports.ts';
import type { UpstreamChanges } from '../response/decision.ts';
import { connectionForUpstream } from './connection.ts';
import { cookiesForUpstream } from './cookie-lines.ts';
import { forgedHeaders, hasOwnCredential } from './hygiene.ts';
import { pomeriumIdentityHeaders, strictIdentityHeaders } from './identity-headers.ts';
import type { UpstreamInput } from './upstream-input.ts';
import { upstreamPlan, type UpstreamPlan } from './upstream-plan.ts';

/**
 * Characters of all values that say who calls. Envoy takes 60 KiB of headers in all, and many servers less: what is larger could arrive cut or
 * not at all, so the request is refused, and the log says what to do.
 */
const IDENTITY_CHARS_MAX = 32_768;

/** @throws DependencyError signing-failed: also where the identity is too large to be told (IDENTITY_CHARS_MAX). */
export function upstreamOf(input: UpstreamInput): UpstreamChanges {
  const { request, route, config } = input;
  const plan = upstreamPlan(route, config);
  const cookies = cookiesForUpstream(request, config.cookie_name);

  const set = new Map<string, string>();
  if (cookies !== undefined && cookies !== '') set.set('cookie', cookies);
  const connection = connectionForUpstream(request, plan);
  if (connection !== undefined && connection !== '') set.set('connection', connection);
  addIdentity(input, plan, cookies, set);

  // INVARIANT: everything that a client could have sent about who calls is in `set` or in `remove`.
  const remove = new Set<string>();
  for (const name of plan.identityHeaders) if (!set.has(name)) remove.add(name);
  for (const name of forgedHeaders(request, plan)) if (!set.has(name)) remove.add(name);
  if (!set.has('authorization') && hasOwnCredential(request)) remove.add('authorization');
  if (!set.has('cookie') && cookies === '') remove.add('cookie');
  if (connection === '') remove.add('connection');
  for (const name of plan.removeHeaders) {
    set.delete(name);
    remove.add(name);
  }
  return { set: [...set], remove: [...remove], setCookies: [] };
}

function addIdentity(
  input: UpstreamInput,
  plan: UpstreamPlan,
  cookies: string | undefined,
  set: Map<string, string>,
): void {
  const { identity_semantics: semantics } = input.config;
  const headers = (semantics === 'strict' ? strictIdentityHeaders : pomeriumIdentityHeaders)(input, plan, cookies);
  let chars = 0;
  for (const [name, value] of headers) {
    chars += value.length;
    set.set(name, value);
  }
  if (chars > IDENTITY_CHARS_MAX) {
    throw new DependencyError(
      'signing-failed',
      `the headers that say who calls are longer than ${IDENTITY_CHARS_MAX} characters: narrow jwt_groups_filter or jwt_claims_headers`,
    );
  }
}
