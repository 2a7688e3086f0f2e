/**
 * The shadow of one process: judges each decided Check again beside, counts, and tells where it would differ. INVARIANT: nothing here changes an
 * answer; whatever fails in it is a line in the log.
 */

import { judgedKindOf } from './core/audit/judged-kind.ts';
import type { AuditDecision } from './core/audit/audit-record.ts';
import type { Findings } from './core/decision.ts';
import type { Generation } from './core/generation.ts';
import type { RecordSnapshots } from './core/policy/record-snapshot.ts';
import type { ClientCertificates, Clock, Logger } from './core/ports.ts';
import type { AccessRequest } from './core/request/access-request.ts';
import { judgeBeside } from './core/shadow/judge-beside.ts';
import type { ShadowDecision } from './core/shadow/shadow.ts';
import type { EpochSeconds } from './core/units.ts';
import { matchOwnPath } from './endpoints/own-paths.ts';

/** One line so often, with how many went by since the last one; the audit has every single one. */
const LOG_EVERY_MS = 1_000;

export type ShadowPorts = {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** Told of each Check that a shadow judged, whether it differs or not. Both are of fixed sets. */
  observeShadow(judged: { readonly active: string; readonly shadow: string }): void;
};

export type DecidedCheck = {
  readonly request: AccessRequest | undefined;
  readonly requestId: string;
  readonly findings: Findings | undefined;
  readonly decision: AuditDecision;
  readonly code: string;
  readonly generation: Generation;
  readonly certificates: ClientCertificates;
  readonly records: RecordSnapshots;
  readonly now: EpochSeconds;
};

/** What the shadow would have decided, where that is something else; undefined also where nothing is judged beside. Never throws. */
export type ShadowWatch = (check: DecidedCheck) => ShadowDecision | undefined;

export function createShadowWatch(ports: ShadowPorts): ShadowWatch {
  const tellDifference = limited(ports.clock, (fields) => {
    ports.logger.info(fields, 'a shadow would decide differently');
  });
  const tellFailure = limited(ports.clock, (fields) => {
    ports.logger.error(fields, 'a shadow could not be judged');
  });
  return (check) => {
    if (check.generation.shadow === undefined) return undefined;
    const { requestId: request_id } = check;
    try {
      const judged = judge(check, check.generation.shadow);
      if (judged === undefined) return undefined;
      const { active, beside } = judged;
      ports.observeShadow({ active, shadow: beside.decision });
      if (beside.decision === active) return undefined;
      if (beside.decision !== 'undecided')
        tellDifference({ request_id, active, shadow: beside.decision, route: beside.route, rule: beside.rule });
      return beside;
    } catch (error) {
      tellFailure({ request_id, error });
      return undefined;
    }
  };
}

function judge(
  { request, findings, decision, code, certificates, records, now }: DecidedCheck,
  shadow: NonNullable<Generation['shadow']>,
): { readonly active: string; readonly beside: ShadowDecision } | undefined {
  const active = judgedKindOf(decision, code);
  if (active === undefined || request === undefined || findings?.target === undefined) return undefined;
  const { target } = findings;
  // Own paths are nobody's routes.
  if (findings.verdict === undefined && matchOwnPath(target, request.method) !== undefined) return undefined;
  const beside = judgeBeside({
    shadow,
    request,
    findings: { ...findings, target },
    certificate: (clientCa) => certificates.factsOf(request.source.certificate, clientCa, now),
    records,
    now,
  });
  return { active, beside };
}

type Fields = Readonly<Record<string, unknown>>;

/** Tells at most one in LOG_EVERY_MS; `untold` is how many were not since. */
function limited(clock: Pick<Clock, 'monotonicMs'>, tell: (fields: Fields) => void): (fields: Fields) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return (fields) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < LOG_EVERY_MS) {
      untold += 1;
      return;
    }
    toldMs = nowMs;
    tell({ ...fields, untold });
    untold = 0;
  };
}
