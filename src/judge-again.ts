/**
 * judgeAgain: a recorded request under another configuration, by the functions that a Check goes through (src/check.ts): canonicalise, own path,
 * route, whose session, policy. What depends on something that the record lacks is undecided.
 */

import { factsAgain } from './core/audit/facts-again.ts';
import type { JudgedAgain } from './core/audit/judged-again.ts';
import type { JudgedKind } from './core/audit/judged-kind.ts';
import type { JudgedRecord } from './core/audit/parse-record.ts';
import { isShortened } from './core/audit/record-of.ts';
import type { Generation } from './core/generation.ts';
import { decidingReasons } from './core/policy/decide-verdict.ts';
import { canonicalise } from './core/request/canonicalise.ts';
import { matchTarget } from './core/route/match-target.ts';
import { matchOwnPath } from './endpoints/own-paths.ts';

export function judgeAgain(
  record: JudgedRecord,
  generation: Pick<Generation, 'routes' | 'trustedProxies' | 'groups'>,
): JudgedAgain {
  if (isShortened(record)) return { kind: 'undecided', route: undefined, lacking: ['path'] };
  const canonical = canonicalise({ method: record.method, authority: record.host, path: record.path });
  if (!canonical.ok) return decided('bad-request');
  const target = canonical.value;
  if (matchOwnPath(target, record.method) !== undefined) return { kind: 'own' };
  const matched = matchTarget(target, generation.routes, record.pinned);
  if (!matched.ok) return decided(matched.error.code === 'route-not-found' ? 'not-found' : 'bad-request');

  const route = matched.value;
  const partial = factsAgain(record, target, route, generation);
  if (!route.policy.reads.some((name) => partial.lacks(name))) {
    const verdict = route.policy.evaluate(partial.facts);
    return {
      kind: 'decided',
      is: verdict.kind,
      route: route.id,
      rule: verdict.rule,
      reasons: verdict.kind === 'allow' ? verdict.allow.reasons : decidingReasons(verdict),
    };
  }
  const { kinds, lacking } = route.policy.possible(partial);
  const [only, other] = kinds;
  return only === undefined || other !== undefined
    ? { kind: 'undecided', route: route.id, lacking }
    : { kind: 'decided', is: only, route: route.id, rule: undefined, reasons: [] };
}

const decided = (is: JudgedKind): JudgedAgain => ({
  kind: 'decided',
  is,
  route: undefined,
  rule: undefined,
  reasons: [],
});
