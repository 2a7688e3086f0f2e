/** The holder of streams, from the ports of a process. */

import type { Live } from '../answer-check.ts';
import { decodeCheckRequest } from '../adapters/envoy/decode-check-request.ts';
import type { Metrics } from '../adapters/metrics/metrics.ts';
import { systemTimers } from '../adapters/system/timers.ts';
import type { StreamRecord } from '../core/audit/stream-record.ts';
import type { AuditSink, StoreNewsListener } from '../core/ports.ts';
import { createStreamHolds, type StreamHolds } from '../hold-streams.ts';
import type { Lasting } from './generations.ts';
import { runInSlices } from './run-in-slices.ts';
import type { Stores } from './stores.ts';

export function composeHolds(parts: {
  readonly lasting: Pick<Lasting, 'clock' | 'logger'>;
  readonly stores: Pick<Stores, 'outside'>;
  readonly audit: AuditSink<StreamRecord>;
  readonly metrics: Metrics;
  readonly live: () => Live;
}): StreamHolds {
  const { lasting, stores, audit, metrics, live } = parts;
  const { outside } = stores;
  const holds = createStreamHolds({
    clock: lasting.clock,
    timers: systemTimers,
    logger: lasting.logger,
    audit,
    live,
    decodeRequest: (encoded) => {
      const decoded = decodeCheckRequest(Buffer.from(encoded, 'latin1'));
      return decoded.ok ? decoded.value : undefined;
    },
    inSlices: (steps) => runInSlices(steps),
    leaseLeftMs: outside === undefined ? undefined : () => outside.lease().leftMs,
    observeFailure: (code) => {
      metrics.observeDependencyError(code);
    },
    observeEnd: (end) => {
      metrics.streams.observeEnd(end);
    },
  });
  metrics.streams.reportHeld(() => holds.held());
  return holds;
}

/** What the stores tell, for whoever comes to listen later: the stores are opened before there is anything to judge by. */
export function createNewsRelay(): { readonly news: StoreNewsListener; listen(listener: StoreNewsListener): void } {
  let listener: StoreNewsListener | undefined;
  return {
    news: {
      onInvalidated: (entries) => listener?.onInvalidated(entries),
      onAnew: () => listener?.onAnew(),
    },
    listen: (to) => {
      listener = to;
    },
  };
}
