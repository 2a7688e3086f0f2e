import { describe, expect, test } from '@jest/globals';
import { compileSanPatterns } from '../../../src/core/request/certificate.ts';
import type { SanPattern } from '../../../src/core/request/san.ts';
import type { PolicySemantics } from '../../../src/core/config.ts';

function emailMatches(patterns: readonly string[], semantics: PolicySemantics, name: string): boolean {
  const given = patterns.map((pattern): SanPattern => ({ type: 'email', pattern }));
  const compiled = compileSanPatterns(given, semantics, []);
  if (!compiled.ok) throw new Error('does not compile');
  return compiled.value?.email?.(name) === true;
}

describe('patterns for the names of certificates', () => {
  test.each<[readonly string[], string, boolean, boolean]>([
    [['alice@.*'], 'alice@example.com', true, true],
    [['alice@.*'], 'malice@example.com', false, false],
    [['bob', 'carol@.*'], 'bob', true, true],
    [['bob', 'carol@.*'], 'bob@example.com', false, true],
    [['bob', 'carol'], 'not-carol', false, true],
    [['bob', 'car', 'dave'], 'a car somewhere', false, true],
    [['bob', 'car', 'dave'], 'eve', false, false],
  ])('%j and %j: strict %j, pomerium %j', (patterns, name, strict, pomerium) => {
    expect(emailMatches(patterns, 'strict', name)).toBe(strict);
    expect(emailMatches(patterns, 'pomerium', name)).toBe(pomerium);
  });

  test('no patterns want no names', () => {
    expect(compileSanPatterns([], 'strict', [])).toEqual({ ok: true, value: undefined });
  });

  test('every pattern that is no regular expression is named by its place', () => {
    const patterns: readonly SanPattern[] = [
      { type: 'dns', pattern: '(' },
      { type: 'email', pattern: 'ok' },
      { type: 'dns', pattern: '[' },
    ];
    const compiled = compileSanPatterns(patterns, 'strict', ['downstream_mtls', 'match_subject_alt_names']);
    expect(compiled).toMatchObject({
      ok: false,
      error: [
        { severity: 'error', path: ['downstream_mtls', 'match_subject_alt_names', 0, 'dns'] },
        { severity: 'error', path: ['downstream_mtls', 'match_subject_alt_names', 2, 'dns'] },
      ],
    });
  });
});
