/** Verdicts where some facts are not known: never guessed, and known where the missing ones do not matter. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { FactName } from '../../../src/core/policy/fact-name.ts';
import { isOfSubject } from '../../../src/core/policy/fact-name.ts';
import { criteria } from '../../../src/core/policy/registry.ts';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import { anyFacts, aPolicy } from './arbitraries.ts';
import { load, someFacts } from './builders.ts';
import type { Tree } from '../../../src/core/problem.ts';

const possible = (policy: Tree, lacking: readonly FactName[], facts: Partial<PolicyFacts> = {}) => {
  const { kinds, lacking: named } = load(policy).policy.possible({
    facts: someFacts(facts),
    lacks: (name) => lacking.includes(name),
  });
  return { kinds: [...kinds].sort(), lacking: named };
};

describe('what a policy can come to', () => {
  const groupsOrPath: Tree = [{ allow: { or: [{ groups: 'eng' }, { http_path: { starts_with: '/open' } }] } }];

  test('is one verdict where the missing fact decides nothing', () => {
    const facts = someFacts();
    const open = { facts: { ...facts, http: { ...(facts.http as NonNullable<typeof facts.http>), path: '/open/x' } } };
    expect(possible(groupsOrPath, ['groups'], open.facts)).toEqual({ kinds: ['allow'], lacking: [] });
    expect(possible([{ allow: { and: [{ reject: true }, { groups: 'eng' }] } }], ['groups'])).toEqual({
      kinds: ['deny'],
      lacking: [],
    });
  });

  test('is several where it does, and names the fact', () => {
    const found = possible(groupsOrPath, ['groups']);
    expect(found.kinds).toContain('allow');
    expect(found.kinds).toContain('deny');
    expect(found.lacking).toEqual(['groups']);
  });

  test('names only facts of rules that are open', () => {
    const policy: Tree = [
      { allow: { and: [{ reject: true }, { source_ip: '10.0.0.0/8' }] } },
      { allow: { or: [{ groups: 'eng' }] } },
    ];
    expect(possible(policy, ['groups', 'source_ip']).lacking).toEqual(['groups']);
  });

  test('takes a deny rule that cannot be judged for one that may hold', () => {
    const policy: Tree = [{ allow: { or: [{ accept: true }] }, deny: { or: [{ source_ip: '10.0.0.0/8' }] } }];
    expect(possible(policy, ['source_ip'])).toEqual({ kinds: ['allow', 'deny'], lacking: ['source_ip'] });
  });

  test('takes the outcomes of negated criteria the other way round', () => {
    const policy: Tree = [{ allow: { not: [{ accept: true }, { groups: 'eng' }] } }];
    expect(possible(policy, ['groups'])).toEqual({ kinds: ['deny'], lacking: [] });
  });

  test('has a certificate and an unapproved device among the refusals', () => {
    const policy: Tree = [{ allow: { or: [{ accept: true }] }, deny: { or: [{ invalid_client_certificate: true }] } }];
    expect(possible(policy, ['certificate']).kinds).toContain('certificate');
    expect(possible([{ allow: { or: [{ device: { approved: true } }] } }], ['device']).kinds).toEqual(
      expect.arrayContaining(['allow', 'deny', 'step-up']),
    );
  });

  test('of a policy without rules is a refusal', () => {
    expect(possible([], ['groups'])).toEqual({ kinds: ['deny'], lacking: [] });
  });
});

const semantics = fc.constantFrom('strict', 'pomerium');

describe('for any policy and any facts', () => {
  test('with every fact known there is one verdict, and it is that of the evaluation', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, semantics, (tree, facts, semantics_) => {
        const { policy } = load(tree, { semantics: semantics_ });
        const found = policy.possible({ facts, lacks: () => false });
        expect([...found.kinds]).toEqual([policy.evaluate(facts).kind]);
      }),
      { numRuns: 1000 },
    );
  });

  test('with any fact missing, the true verdict is among the possible ones', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, semantics, fc.integer({ min: 0, max: 255 }), (tree, facts, semantics_, mask) => {
        const { policy } = load(tree, { semantics: semantics_ });
        const lacks = (name: FactName): boolean => ((mask >> (policy.reads.indexOf(name) % 8)) & 1) === 1;
        const found = policy.possible({ facts, lacks });
        expect([...found.kinds]).toContain(policy.evaluate(facts).kind);
        expect(found.kinds.size === 1 || found.lacking.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Facts that note what is looked at, under the names of FactName. */
function watched(facts: PolicyFacts): { readonly facts: PolicyFacts; readonly seen: ReadonlySet<string> } {
  const seen = new Set<string>();
  const note =
    (name: (property: string) => string | undefined) =>
    <T extends object>(target: T): T =>
      new Proxy(target, {
        get(of, property) {
          const fact = typeof property === 'string' ? name(property) : undefined;
          if (fact !== undefined) seen.add(fact);
          const value: unknown = Reflect.get(of, property);
          return value;
        },
      });
  const claims = (map: ReadonlyMap<string, unknown>) => ({
    get: (name: string): unknown => {
      seen.add(`claim/${name}`);
      return map.get(name);
    },
  });
  const subjectFacts: { readonly [property: string]: string } = {
    userId: 'user',
    email: 'email',
    groups: 'groups',
    authTime: 'auth_time',
    acr: 'acr',
  };
  const { subject, http } = facts;
  const parts: { readonly [property: string]: string } = {
    sourceIp: 'source_ip',
    certificate: 'certificate',
    mcp: 'mcp',
    ssh: 'ssh',
    device: 'device',
    risk: 'risk',
  };
  const inner: PolicyFacts = {
    ...facts,
    http:
      http === undefined
        ? undefined
        : {
            ...http,
            header: (name) => {
              seen.add(`header/${name}`);
              return http.header(name);
            },
          },
    subject:
      subject === undefined
        ? undefined
        : note((property) => subjectFacts[property])({
            ...subject,
            sessionClaims: claims(subject.sessionClaims as never) as never,
            userClaims: claims(subject.userClaims as never) as never,
          }),
  };
  return { facts: note((property) => parts[property])(inner), seen };
}

describe('what a criterion says it reads', () => {
  test('covers everything that random policies look at', () => {
    fc.assert(
      fc.property(aPolicy, anyFacts, semantics, (tree, facts, semantics_) => {
        const { policy } = load(tree, { semantics: semantics_ });
        const { facts: noting, seen } = watched(facts);
        policy.evaluate(noting);
        const reads: ReadonlySet<string> = new Set(policy.reads);
        if (!reads.has('anything')) expect([...seen].filter((name) => !reads.has(name))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(criteria.filter(({ isIdentity }) => isIdentity).map((criterion) => [criterion.name, criterion] as const))(
    '%s, which is about who asks, reads something of the subject',
    (_name, criterion) => {
      const reads = criterion.reads({ data: 'department', subPath: 'department' });
      expect(reads.some((name) => name === 'anything' || isOfSubject(name))).toBe(true);
    },
  );
});
