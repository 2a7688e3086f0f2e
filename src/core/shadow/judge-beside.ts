/**
 * judgeBeside: what the shadow makes of a request that has been decided: the same target, session and moment, other routes. Pure, and asks for
 * nothing that was not found on the way: where it would have to, it is undecided.
 */

import type { JudgedKind } from '../audit/judged-kind.ts';
import type { Findings } from '../decision.ts';
import { gatherFacts } from '../facts.ts';
import { decidingReasons } from '../policy/decide-verdict.ts';
import type { FactName } from '../policy/fact-name.ts';
import type { CertificateFacts } from '../policy/facts.ts';
import type { RecordSnapshots } from '../policy/record-snapshot.ts';
import type { AccessRequest } from '../request/access-request.ts';
import { clientAddress } from '../request/client-address.ts';
import { matchTarget } from '../route/match-target.ts';
import type { Route } from '../route/route.ts';
import { takesSession } from '../route/takes-session.ts';
import type { Session } from '../session/session.ts';
import type { EpochSeconds } from '../units.ts';
import type { Shadow, ShadowDecision } from './shadow.ts';

export function judgeBeside(input: {
  readonly shadow: Shadow;
  readonly request: AccessRequest;
  readonly findings: Findings & { readonly target: NonNullable<Findings['target']> };
  readonly certificate: (clientCa: string | undefined) => CertificateFacts;
  readonly records: RecordSnapshots;
  readonly now: EpochSeconds;
}): ShadowDecision {
  const { shadow, request, findings, now } = input;
  const { target, found, pinned } = findings;
  const matched = matchTarget(target, shadow.routes, pinned);
  if (!matched.ok) return unrouted(matched.error.code === 'route-not-found' ? 'not-found' : 'bad-request');
  const route = matched.value;

  const session = sessionOn(route, findings, now);
  const lacking = [
    ...(found.kind === 'unread' && route.policy.needs.has('subject') ? ['session'] : []),
    ...(!shadow.knowsCertificates && route.policy.needs.has('certificate') ? ['certificate'] : []),
    ...(route.policy.needs.has('risk') && session !== undefined && findings.facts?.risk === undefined ? ['risk'] : []),
    ...route.policy.reads.filter((name) => isUnasked(name, shadow)),
  ];
  if (lacking.length > 0) return { decision: 'undecided', route: route.id, lacking };

  const verdict = route.policy.evaluate(
    gatherFacts({
      request,
      target,
      route,
      client: clientAddress(request, shadow.trustedProxies),
      session,
      certificate: () => input.certificate(route.clientCa),
      groups: shadow.groups,
      records: input.records,
      risk: findings.facts?.risk,
      now,
    }),
  );
  return {
    decision: verdict.kind,
    route: route.id,
    rule: verdict.rule,
    reasons: verdict.kind === 'allow' ? verdict.allow.reasons : decidingReasons(verdict),
  };
}

const RECORD = 'record/';

/** Whether it comes from a source that nobody asks. Names of sources have no slash. */
function isUnasked(name: FactName, { groups, unaskedSources }: Shadow): boolean {
  if (name === 'groups') return groups?.kind === 'source' && unaskedSources.has(groups.source);
  return name.startsWith(RECORD) && unaskedSources.has(name.slice(RECORD.length).split('/', 1)[0] ?? '');
}

const unrouted = (decision: JudgedKind): ShadowDecision => ({
  decision,
  route: undefined,
  rule: undefined,
  reasons: [],
});

const sessionOn = (route: Route, { found }: Findings, now: EpochSeconds): Session | undefined =>
  found.kind === 'session' && takesSession(route, found.session, now) ? found.session : undefined;
