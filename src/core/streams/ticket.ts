/**
 * HoldTicket: what an allow hands to Envoy so that the stream which comes of it can be held: the very request that was judged, sealed and bound to its
 * host. Envoy brings it back when it opens the hold, to any process with the same `shared_secret`; nobody else can make one.
 */

import type { AccessRequest } from '../request/access-request.ts';
import type { UpstreamChanges } from '../response/decision.ts';
import type { Sealer } from '../ports.ts';
import { epochSeconds, type EpochSeconds } from '../units.ts';

/** The header by which Doorward tells Envoy when to open the hold of a request. Set on every allow, whatever the client sent. */
export const HOLD_HEADER = 'x-doorward-hold';
/** Where Envoy keeps the ticket: a field of the dynamic metadata of ext_authz. */
export const HOLD_METADATA = 'hold';

/** `response`: when its answer begins. `request`: at once, since it may send for long before there is an answer. */
export type HeldFrom = 'response' | 'request';

/** Bytes of a body from which on sending it is a stream. */
const LONG_BODY_BYTES = 10_000_000;
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** A body without a length, as that of gRPC, or a long one, is held while it is sent. */
export function heldFrom({ method, headers }: Pick<AccessRequest, 'method' | 'headers'>): HeldFrom {
  if (!METHODS_WITH_BODY.has(method)) return 'response';
  const [length] = headers.lines('content-length');
  return length === undefined || !(Number(length) < LONG_BODY_BYTES) ? 'request' : 'response';
}

/** The changes with the header in them. SECURITY: x-doorward- is Doorward's (assertion/hygiene.ts), and what a route sets under it has no effect. */
export const withHold = (changes: UpstreamChanges, from: HeldFrom): UpstreamChanges => ({
  ...changes,
  set: [...changes.set.filter(([name]) => name !== HOLD_HEADER), [HOLD_HEADER, from === 'request' ? '1' : '0']],
  remove: changes.remove.filter((name) => name !== HOLD_HEADER),
});

export type HoldTicket = {
  /** Under which the Check was audited. */
  readonly requestId: string;
  /** When the bound ends the stream (bound.ts); undefined = it has none. */
  readonly endsAt: EpochSeconds | undefined;
  /** AccessRequest.encoded */
  readonly request: string;
};

const VERSION = '1';
/** Bytes of the request. The ticket of a larger one is empty, and opens nothing. */
export const HELD_REQUEST_BYTES_MAX = 128 * 1024;

/** SECURITY: never absent on an allow, for what has no ticket is not held. */
export function sealTicket(
  { requestId, endsAt, request }: HoldTicket,
  host: string,
  sealer: Pick<Sealer, 'seal'>,
): string {
  if (request.length > HELD_REQUEST_BYTES_MAX) return '';
  return sealer.seal('hold', `${VERSION}\n${requestId}\n${endsAt ?? ''}\n${request}`, host);
}

/** Undefined for whatever was not sealed here, or for another host. */
export function openTicket(sealed: string, host: string, sealer: Pick<Sealer, 'open'>): HoldTicket | undefined {
  const [, requestId, end, request] = FORM.exec(sealer.open('hold', sealed, host) ?? '') ?? [];
  if (requestId === undefined || end === undefined || request === undefined) return undefined;
  return { requestId, endsAt: end === '' ? undefined : epochSeconds(Number(end)), request };
}

const FORM = /^1\n([^\n]*)\n([0-9.]*)\n([^]*)$/;
