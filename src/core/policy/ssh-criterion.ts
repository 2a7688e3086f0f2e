/** A criterion about an SSH connection. Where the request is none it is unknown in `strict`; in `pomerium` name and key are empty. */

import type { PolicyFacts, SshFacts } from './facts.ts';
import type { Criterion, DataParser, LoadContext, ReasonsByTruth } from './criterion.ts';
import { criterion, outcome, outcomes, reasonsOf } from './criterion.ts';
import type { Truth } from './verdict.ts';

const notSsh = outcome('unknown', 'request-not-ssh');
const emptySsh: SshFacts = { username: '', publicKey: new Uint8Array() };

export function sshCriterion<T>(definition: {
  readonly name: string;
  readonly data: DataParser<T>;
  readonly reasons: ReasonsByTruth;
  compile(data: T, context: LoadContext): (ssh: SshFacts, facts: PolicyFacts) => Truth;
}): Criterion {
  const { name, data, reasons } = definition;
  const byTruth = outcomes(reasons);
  return criterion<T>({
    name,
    data,
    needs: [],
    reads: ['ssh'],
    reasons: [...reasonsOf(reasons, data), ...notSsh.reasons.list],
    compile(parsed, context) {
      const matches = definition.compile(parsed, context);
      if (context.semantics === 'strict')
        return (facts) => (facts.ssh === undefined ? notSsh : byTruth(matches(facts.ssh, facts)));
      return (facts) => byTruth(matches(facts.ssh ?? emptySsh, facts));
    },
  });
}
