/**
 * From what the allow and the deny rules came to, the verdict: certificate (495), login, step-up, deny, allow, and 403 where nothing allows.
 * Only an allow that holds, beside a deny that does not, opens.
 */

import type { PolicySemantics } from '../config.ts';
import type { ActionOutcome } from './combine.ts';
import { ruleResult } from './reasons.ts';
import type { Outcome } from './reasons.ts';
import { joinStepUps } from './step-up.ts';
import type { StepUp } from './step-up.ts';
import type { Reason, Verdict, VerdictKind } from './verdict.ts';

export function decideVerdict(semantics: PolicySemantics, allow: ActionOutcome, deny: ActionOutcome): Verdict {
  const kind =
    semantics === 'strict' ? strictKind(allow.outcome, deny.outcome) : kindByReasons(allow.outcome, deny.outcome);
  const verdict = {
    kind,
    allow: ruleResult(allow.outcome),
    deny: ruleResult(deny.outcome),
    rule: decidingRule(kind, allow, deny),
  };
  const stepUp = kind === 'step-up' ? stepUpOf(semantics, allow.outcome, deny.outcome) : undefined;
  return stepUp === undefined ? verdict : { ...verdict, stepUp };
}

/** What must be shown so that no deny rule holds and an allow rule does. */
function stepUpOf(semantics: PolicySemantics, allow: Outcome, deny: Outcome): StepUp | undefined {
  const lacks = ({ state, reasons }: Outcome): boolean =>
    semantics === 'strict' ? state === 'curable' : reasons.asksStepUp;
  if (!lacks(deny)) return allow.stepUp;
  return lacks(allow) ? joinStepUps('all', allow.stepUp, deny.stepUp) : deny.stepUp;
}

/**
 * `strict`. A deny that holds, or stays unknown, decides: identity could not change it. A curable part leads to a login or a step-up where
 * that could still open; otherwise it is not met for allow, and met for deny.
 */
function strictKind(allow: Outcome, deny: Outcome): VerdictKind {
  if (deny.state === 'true') return deny.reasons.asksCertificate ? 'certificate' : 'deny';
  if (deny.state === 'unknown') return 'deny';
  if (allow.state === 'true' || allow.state === 'curable') {
    if (deny.state === 'curable') return cure(deny);
    return allow.state === 'curable' ? cure(allow) : 'allow';
  }
  return refusalKind(allow);
}

const cure = ({ reasons }: Outcome): VerdictKind => (reasons.asksLogin ? 'login' : 'step-up');

/** `pomerium`. Login and step-up follow from the reasons, whether the rules that gave them hold or not. */
function kindByReasons(allow: Outcome, deny: Outcome): VerdictKind {
  if (deny.reasons.asksCertificate) return 'certificate';
  if (allow.reasons.asksLogin || deny.reasons.asksLogin) return 'login';
  if (allow.reasons.asksStepUp || deny.reasons.asksStepUp) return 'step-up';
  if (deny.state !== 'false') return 'deny';
  return allow.state === 'true' ? 'allow' : refusalKind(allow);
}

/** Nothing allowed. A device that is not approved is said first, then the certificate. */
const refusalKind = ({ reasons }: Outcome): VerdictKind =>
  reasons.asksCertificate && !reasons.list.includes('device-unauthorized') ? 'certificate' : 'deny';

/** The rule to name: the one that denied or allowed; for a login or a step-up the one that could still allow. */
function decidingRule(kind: VerdictKind, allow: ActionOutcome, deny: ActionOutcome): string | undefined {
  if (kind === 'allow') return allow.rule;
  if (deny.outcome.state !== 'false') return deny.rule;
  return kind === 'deny' || allow.outcome.state === 'false' ? undefined : allow.rule;
}

/** The reasons that a refusal goes by: those of the deny rules where they hold (or stay unknown), else those of the allow rules. */
export const decidingReasons = ({ allow, deny }: Verdict): readonly Reason[] =>
  deny.value === false ? allow.reasons : deny.reasons;
