/** The handler of Checks, from the ports of a process. */

import { createCheckHandler, type Live } from '../answer-check.ts';
import type { Metrics } from '../adapters/metrics/metrics.ts';
import { createAssertionCache } from '../core/assertion/assertion-cache.ts';
import type { AuditSink, CheckHandler } from '../core/ports.ts';
import type { KeepFresh } from '../keep-fresh.ts';
import { createShadowWatch } from '../shadow-watch.ts';
import type { Lasting } from './generations.ts';

export function composeHandler(parts: {
  readonly lasting: Lasting;
  readonly audit: AuditSink;
  readonly metrics: Metrics;
  readonly live: () => Live;
  readonly keepFresh: Pick<KeepFresh, 'tend'>;
}): CheckHandler {
  const { lasting, metrics } = parts;
  return createCheckHandler({
    clock: lasting.clock,
    entropy: lasting.entropy,
    logger: lasting.logger,
    live: parts.live,
    assertions: createAssertionCache(),
    audit: parts.audit,
    keepFresh: parts.keepFresh,
    shadow: createShadowWatch({
      clock: lasting.clock,
      logger: lasting.logger,
      observeShadow: (judged) => {
        metrics.observeShadow(judged);
      },
    }),
    observe: (check) => {
      metrics.observeCheck(check);
    },
    observeFailure: (code) => {
      metrics.observeDependencyError(code);
    },
  });
}
