/** Builders for policy tests: facts of a signed-in user who asks for a page, and policies compiled from plain data. */

import { compilePolicy } from '../../../src/core/policy/compile.ts';
import type { PolicySource } from '../../../src/core/policy/compile.ts';
import type { CompiledPolicy } from '../../../src/core/policy/compiled-policy.ts';
import type { HttpFacts, PolicyFacts, Subject } from '../../../src/core/policy/facts.ts';
import type { VerdictKind } from '../../../src/core/policy/verdict.ts';
import type { Problem, Tree } from '../../../src/core/problem.ts';
import { epochSeconds } from '../../../src/core/units.ts';

/** Time stands still here: 2026-11-01T00:00:00Z. */
export const NOW = epochSeconds(1_793_491_200);

export const POLICY_PATH = ['routes', 0, 'policy'];

export const aSubject = (changes: Partial<Subject> = {}): Subject => ({
  kind: 'human',
  userId: 'alice',
  issuer: 'https://idp.example.com',
  email: 'alice@example.com',
  name: 'Alice',
  groups: ['eng', 'admins'],
  sessionClaims: new Map(),
  userClaims: new Map(),
  authTime: undefined,
  acr: undefined,
  actors: [],
  ...changes,
});

export const anHttpRequest = (changes: Partial<HttpFacts> = {}): HttpFacts => ({
  method: 'GET',
  hostname: 'app.example.com',
  path: '/',
  query: '',
  header: () => [],
  ...changes,
});

export const someFacts = (changes: Partial<PolicyFacts> = {}): PolicyFacts => ({
  now: NOW,
  http: anHttpRequest(),
  sourceIp: '10.0.0.5',
  subject: aSubject(),
  certificate: { presented: false, valid: false, leaf: undefined },
  mcp: undefined,
  ssh: undefined,
  device: undefined,
  labels: new Map(),
  ...changes,
});

export const aSource = (policy: Tree | undefined, changes: Partial<PolicySource> = {}): PolicySource => ({
  policy,
  path: POLICY_PATH,
  semantics: 'strict',
  flags: {},
  denyInvalidCertificate: false,
  hasClientCa: false,
  changeWindows: new Map(),
  labels: new Map(),
  ownHeaders: new Set(),
  ...changes,
});

export type Loaded = { readonly policy: CompiledPolicy; readonly warnings: readonly Problem[] };

export function load(policy: Tree | undefined, changes: Partial<PolicySource> = {}): Loaded {
  const result = compilePolicy(aSource(policy, changes));
  if (!result.ok) throw new Error(`does not load: ${result.error.map(({ message }) => message).join('; ')}`);
  return result.value;
}

export function problemsOf(policy: Tree | undefined, changes: Partial<PolicySource> = {}): readonly Problem[] {
  const result = compilePolicy(aSource(policy, changes));
  return result.ok ? [] : result.error.filter(({ severity }) => severity === 'error');
}

export const kindOf = (
  policy: Tree | undefined,
  facts: Partial<PolicyFacts> = {},
  changes: Partial<PolicySource> = {},
): VerdictKind => load(policy, changes).policy.evaluate(someFacts(facts)).kind;
