/** What an anonymous request can come to, known before any request: an identity criterion has one outcome without identity. */

import { epochSeconds } from '../units.ts';
import { runTest } from './combine.ts';
import type { PolicyFacts } from './facts.ts';
import type { LoadedBlock, LoadedCriterion } from './load.ts';

/** Facts of nobody in particular: identity criteria look at nothing else of them. */
export const anonymousFacts: PolicyFacts = {
  now: epochSeconds(0),
  http: undefined,
  sourceIp: '',
  subject: undefined,
  certificate: { presented: false, valid: false, leaf: undefined },
  mcp: undefined,
  ssh: undefined,
  device: undefined,
  labels: new Map(),
};

type Possible = { readonly true: boolean; readonly false: boolean };

/** Criteria that do not look at the request at all. */
const constants: { readonly [name: string]: Possible } = {
  accept: { true: true, false: false },
  reject: { true: false, false: true },
};

function possible({ criterion, isIdentity, test }: LoadedCriterion): Possible {
  if (!isIdentity) return constants[criterion.name] ?? { true: true, false: true };
  const { state, reasons } = runTest(test, anonymousFacts);
  // With that reason the request leads to a login, whatever the operator makes of its value.
  if (reasons.asksLogin) return { true: false, false: false };
  return { true: state === 'true', false: state === 'false' };
}

/** Whether some allow rule could be met without identity. */
export const couldAllowAnonymous = (blocks: readonly LoadedBlock[]): boolean =>
  blocks.some(({ action, operator, criteria }) => {
    if (action !== 'allow' || criteria.length === 0) return false;
    const wanted = operator === 'and' || operator === 'or' ? 'true' : 'false';
    const canHold = (loaded: LoadedCriterion): boolean => possible(loaded)[wanted];
    return operator === 'and' || operator === 'not' ? criteria.every(canHold) : criteria.some(canHold);
  });
