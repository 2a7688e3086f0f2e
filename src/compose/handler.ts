/** The handler of Checks, from the ports of a process. */

import { createCheckHandler, type Live } from '../answer-check.ts';
import type { Metrics } from '../adapters/metrics/metrics.ts';
import { createClientCertificates } from '../adapters/x509/client-certificates.ts';
import { createAssertionCache } from '../core/assertion/assertion-cache.ts';
import type { AuditSink, CheckHandler } from '../core/ports.ts';
import type { Lasting } from './generations.ts';

export function composeHandler(parts: {
  readonly lasting: Lasting;
  readonly audit: AuditSink;
  readonly metrics: Metrics;
  readonly live: () => Live;
}): CheckHandler {
  const { lasting, metrics } = parts;
  // No CA is configured: certificates are read, so that policies can look at them, and are never valid.
  const certificates = createClientCertificates({ authorities: [], revocationLists: [], names: {}, depthMax: 1 });
  return createCheckHandler({
    clock: lasting.clock,
    entropy: lasting.entropy,
    logger: lasting.logger,
    live: parts.live,
    certificate: (request, now) => certificates.factsOf(request.source.certificate, now),
    assertions: createAssertionCache(),
    audit: parts.audit,
    observe: (check) => {
      metrics.observeCheck(check);
    },
    observeFailure: (code) => {
      metrics.observeDependencyError(code);
    },
  });
}
