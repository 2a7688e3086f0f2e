/**
 * The bound of a stream: how long what is let through now may last at most. Envoy judges a request when it begins and never again by itself; by this
 * header, which needs no configuration of Envoy and is not forwarded, it ends the stream no later than the session does.
 */

import type { UpstreamChanges } from '../response/decision.ts';
import type { Route } from '../route/route.ts';
import type { Session } from '../session/session.ts';
import type { EpochSeconds } from '../units.ts';

/** Milliseconds of the whole stream, both directions, from the route's choice on. To Envoy 0 means "for ever". */
export const STREAM_BOUND_HEADER = 'x-envoy-upstream-stream-duration-ms';

type Limits = Pick<Route, 'sessionLifetimeSeconds' | 'maxStreamSeconds'>;

/** Milliseconds, at least 1. */
export function streamBoundMs(
  { createdAt, expiresAt }: Pick<Session, 'createdAt' | 'expiresAt'>,
  now: EpochSeconds,
  { sessionLifetimeSeconds, maxStreamSeconds }: Limits,
): number {
  const left = Math.min(expiresAt, createdAt + sessionLifetimeSeconds) - now;
  return Math.max(1, Math.floor(1000 * (maxStreamSeconds === undefined ? left : Math.min(left, maxStreamSeconds))));
}

/**
 * The changes with the bound in them. SECURITY: nothing else decides about this header, neither the client nor the headers of a route; without a
 * session it is taken away.
 */
export function withStreamBound(changes: UpstreamChanges, boundMs: number | undefined): UpstreamChanges {
  const set = changes.set.filter(([name]) => name !== STREAM_BOUND_HEADER);
  const remove = changes.remove.filter((name) => name !== STREAM_BOUND_HEADER);
  return boundMs === undefined
    ? { ...changes, set, remove: [...remove, STREAM_BOUND_HEADER] }
    : {
        ...changes,
        set: [...set, [STREAM_BOUND_HEADER, String(boundMs)]],
        remove,
      };
}
