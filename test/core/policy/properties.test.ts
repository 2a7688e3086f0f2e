import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { evaluateAction } from '../../../src/core/policy/combine.ts';
import type { CompiledBlock } from '../../../src/core/policy/combine.ts';
import { compilePolicy } from '../../../src/core/policy/compile.ts';
import { outcome } from '../../../src/core/policy/criterion.ts';
import type { Test } from '../../../src/core/policy/criterion.ts';
import { decideVerdict } from '../../../src/core/policy/decide-verdict.ts';
import type { PolicySemantics } from '../../../src/core/config.ts';
import { aDenyRule, anyFacts, aPolicy } from './arbitraries.ts';
import { aSource, load, someFacts } from './builders.ts';

const anySemantics = fc.constantFrom<PolicySemantics>('strict', 'pomerium');
const anyCertificates = fc.record({ hasClientCa: fc.boolean(), denyInvalidCertificate: fc.boolean() });
const RUNS = { numRuns: 2000 };

describe('any policy, any request', () => {
  test('evaluating never throws and comes to one of the verdicts', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anySemantics, anyCertificates, (policy, facts, semantics, certificates) => {
        const verdict = load(policy, { semantics, ...certificates }).policy.evaluate(facts);
        expect(['allow', 'deny', 'login', 'step-up', 'certificate']).toContain(verdict.kind);
        expect(verdict.allow.reasons).toEqual([...new Set(verdict.allow.reasons)].sort());
      }),
      RUNS,
    );
  });

  test('a deny rule that holds overrides every allow rule', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anySemantics, (policy, facts, semantics) => {
        const denied = [{ allow: { or: [{ accept: true }] } }, ...policy, { deny: { or: [{ accept: true }] } }];
        expect(load(denied, { semantics }).policy.evaluate(facts).kind).not.toBe('allow');
      }),
    );
  });

  test('adding a deny rule never opens', () => {
    fc.assert(
      fc.property(aPolicy, aDenyRule, anyFacts, anySemantics, (policy, rule, facts, semantics) => {
        const after = load([...policy, rule], { semantics }).policy.evaluate(facts);
        fc.pre(after.kind === 'allow');
        expect(load(policy, { semantics }).policy.evaluate(facts).kind).toBe('allow');
      }),
    );
  });

  test('explain and evaluate agree', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anySemantics, anyCertificates, (policy, facts, semantics, certificates) => {
        const { policy: compiled } = load(policy, { semantics, ...certificates });
        const explained = compiled.explain(facts);
        expect(explained.verdict).toEqual(compiled.evaluate(facts));
        const named = explained.verdict.rule;
        if (named !== undefined) expect(explained.criteria.some(({ at }) => at.startsWith(named))).toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  test('an anonymous request is allowed only by a policy that says it could be', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anySemantics, (policy, facts, semantics) => {
        const { policy: compiled } = load(policy, { semantics });
        const { kind } = compiled.evaluate({ ...facts, subject: undefined, device: undefined });
        if (kind === 'allow') expect(compiled.mayAllowAnonymous).toBe(true);
      }),
      RUNS,
    );
  });

  test('where the two semantics decide differently, the loader has said so in both', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anyCertificates, (policy, facts, certificates) => {
        const strict = load(policy, { semantics: 'strict', ...certificates });
        const pomerium = load(policy, { semantics: 'pomerium', ...certificates });
        const kinds = [strict, pomerium].map((loaded) => loaded.policy.evaluate(facts).kind);
        if (kinds[0] === kinds[1]) return;
        expect(strict.warnings).not.toEqual([]);
        expect(pomerium.warnings).not.toEqual([]);
      }),
      RUNS,
    );
  });

  test('one semantics allows and the other does not: that is at least a warning', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, anyCertificates, (policy, given, certificates) => {
        // Facts that a request of this kind always has.
        const facts = {
          ...given,
          http: given.http ?? someFacts().http,
          sourceIp: '10.0.0.5',
          mcp: { method: 'tools/call', tool: 'search', readable: true },
        };
        const hasOddText =
          JSON.stringify([facts.http?.path, facts.http?.header('x-a'), facts.subject?.email, facts.subject?.acr]).match(
            /\uFFFD|@b@/,
          ) !== null;
        fc.pre(!hasOddText && facts.ssh === undefined && !JSON.stringify(policy).includes('ssh_'));
        const strict = load(policy, { semantics: 'strict', ...certificates });
        const pomerium = load(policy, { semantics: 'pomerium', ...certificates });
        const allows = [strict, pomerium].map((loaded) => loaded.policy.evaluate(facts).kind === 'allow');
        if (allows[0] !== allows[1]) expect(strict.warnings.some(({ severity }) => severity === 'warning')).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('any tree as a policy', () => {
  test('compiling never throws, and says what is wrong within the tree', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), anySemantics, (tree, semantics) => {
        const result = compilePolicy(aSource(tree as never, { semantics }));
        if (result.ok) return;
        expect(result.error.some(({ severity }) => severity === 'error')).toBe(true);
        for (const { path, message } of result.error) {
          expect(path.slice(0, 3)).toEqual(['routes', 0, 'policy']);
          expect(message).not.toBe('');
        }
      }),
    );
  });
});

describe('a criterion that fails', () => {
  const fails: Test = () => {
    throw new Error('broken');
  };
  const always = (truth: boolean): Test => {
    const made = outcome(truth ? 'true' : 'false', truth ? 'accept' : 'reject');
    return () => made;
  };
  const aTest = fc.constantFrom<'true' | 'false' | 'fails'>('true', 'false', 'fails');
  const aBlock = fc.record({
    action: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
    operator: fc.constantFrom<'and' | 'or' | 'not' | 'nor'>('and', 'or', 'not', 'nor'),
    tests: fc.array(aTest, { minLength: 1, maxLength: 3 }),
  });

  test('opens only where it would open whatever the criterion said', () => {
    fc.assert(
      fc.property(fc.array(aBlock, { maxLength: 4 }), anySemantics, (blocks, semantics) => {
        const judge = (instead: Test) => {
          const compiled: readonly CompiledBlock[] = blocks.map(({ action, operator, tests }) => ({
            at: action,
            action,
            operator,
            tests: tests.map((what) => (what === 'fails' ? instead : always(what === 'true'))),
          }));
          const of = (action: string) =>
            evaluateAction(
              compiled.filter((block) => block.action === action),
              someFacts(),
            );
          return decideVerdict(semantics, of('allow'), of('deny')).kind;
        };
        if (judge(fails) !== 'allow') return;
        expect(judge(always(true))).toBe('allow');
        expect(judge(always(false))).toBe('allow');
      }),
      RUNS,
    );
  });
});
