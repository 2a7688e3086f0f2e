/** What of the facts that a policy read goes into a record: what it names, whole or not at all, and nothing that may be secret. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import { recordedFacts } from '../../../src/core/audit/recorded-facts.ts';
import type { FactName } from '../../../src/core/policy/fact-name.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, anHttpRequest, someFacts } from '../policy/builders.ts';

const leaf = { fingerprint: 'ab', spkiHash: 'cd', sanEmail: ['a@example.com'], sanDns: [], sanUri: [] };

const rich = someFacts({
  http: anHttpRequest({
    query: 'action=read%20all&tab=1&tab=2&token=t',
    header: (name) => (name === 'x-device-posture' ? ['managed'] : name === 'cookie' ? ['s=secret'] : []),
  }),
  subject: aSubject({
    groups: ['eng'],
    sessionClaims: new Map([
      ['department', ['it']],
      ['level', [3, { deep: ['x'] }]],
    ]),
    userClaims: new Map([['department', ['ops']]]),
    authTime: epochSeconds(100),
    acr: 'mfa',
  }),
  risk: { level: 'medium', isSaid: true },
  certificate: { presented: true, valid: true, leaf },
  mcp: { method: 'tools/call', tool: 'search', readable: true },
  labels: new Map([['environment', 'production']]),
});

describe('the facts of a record', () => {
  test.each<[FactName, unknown]>([
    ['groups', ['eng']],
    ['auth_time', 100],
    ['acr', 'mfa'],
    ['risk', { level: 'medium', said: true }],
    ['claim/department', ['ops']],
    ['claim/level', [3, { deep: ['x'] }]],
    ['claim/none', null],
    ['header/x-device-posture', ['managed']],
    ['header/x-absent', []],
    ['query/action', ['read all']],
    ['query/absent', []],
    ['label/environment', 'production'],
    ['label/none', null],
    ['mcp', { method: 'tools/call', tool: 'search', readable: true }],
    [
      'certificate',
      {
        presented: true,
        valid: true,
        fingerprint: 'ab',
        spki_hash: 'cd',
        san_email: ['a@example.com'],
        san_dns: [],
        san_uri: [],
      },
    ],
  ])('%s', (name, value) => {
    expect(recordedFacts([name], rich)).toEqual({ [name]: value });
  });

  test('are null where the subject has none', () => {
    const facts = someFacts({ subject: aSubject({ groups: undefined }) });
    expect(recordedFacts(['groups', 'auth_time', 'acr'], facts)).toEqual({ groups: null, auth_time: null, acr: null });
    expect(
      recordedFacts(['mcp', 'certificate'], someFacts({ mcp: { method: '', tool: undefined, readable: true } })),
    ).toEqual({
      mcp: { method: '', tool: null, readable: true },
      certificate: { presented: false, valid: false },
    });
  });

  test('leave out groups that were not known', () => {
    const facts = someFacts({ subject: aSubject({ groups: undefined, groupsUnknown: true }) });
    expect(recordedFacts(['groups'], facts)).toBeUndefined();
  });

  test('are none of a subject where nobody is signed in, and none of a request that is not HTTP', () => {
    const names: readonly FactName[] = ['groups', 'auth_time', 'acr', 'claim/department', 'mcp'];
    expect(recordedFacts(names, someFacts({ subject: undefined }))).toBeUndefined();
    expect(recordedFacts(['header/x-a', 'query/a'], someFacts({ http: undefined }))).toBeUndefined();
  });

  test('are not those that have a field of their own, nor those that cannot be told', () => {
    expect(
      recordedFacts(['source_ip', 'user', 'email', 'anything', 'ssh', 'device', 'record/risk'], rich),
    ).toBeUndefined();
    expect(recordedFacts([], rich)).toBeUndefined();
  });

  test.each<FactName>([
    'header/cookie',
    'header/authorization',
    'header/proxy-authorization',
    'header/x-pomerium-jwt-assertion',
    'header/x-api-key',
    'header/x-csrf-token',
    'header/x-key',
    'query/token',
    'query/code',
    'query/state',
    'query/client_secret',
    'query/X-Amz-Signature',
    'claim/access_token',
    'claim/session_id',
  ])('%s is never recorded', (name) => {
    const facts = someFacts({
      http: anHttpRequest({ query: 'token=1&code=2&state=3&client_secret=4&X-Amz-Signature=5', header: () => ['x'] }),
      subject: aSubject({
        sessionClaims: new Map([
          ['access_token', ['x']],
          ['session_id', ['x']],
        ]),
      }),
    });
    expect(recordedFacts([name], facts)).toBeUndefined();
  });

  test('are left out whole where they are too long or too many', () => {
    const withGroups = (groups: readonly string[]) => someFacts({ subject: aSubject({ groups }) });
    const many = Array.from({ length: 128 }, (_, index) => `g${index}`);
    expect(recordedFacts(['groups'], withGroups(many))).toEqual({ groups: many });
    expect(recordedFacts(['groups'], withGroups([...many, 'g']))).toBeUndefined();
    expect(recordedFacts(['groups'], withGroups(['x'.repeat(2048)]))).toBeDefined();
    expect(recordedFacts(['groups'], withGroups(['x'.repeat(2049)]))).toBeUndefined();
    const names = Array.from({ length: 100 }, (_, index): FactName => `claim/c${index}`);
    expect(Object.keys(recordedFacts(names, rich) ?? {})).toHaveLength(64);
  });

  test('leave out a parameter that can be read in more than one way', () => {
    expect(recordedFacts(['query/tab', 'query/action'], rich)).toEqual({ 'query/action': ['read all'] });
    const unreadable = someFacts({ http: anHttpRequest({ query: 'a=%' }) });
    expect(recordedFacts(['query/b'], unreadable)).toBeUndefined();
  });

  test('a record is bounded, whatever clients and identity providers write', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 5000 }), { maxLength: 300 }), fc.jsonValue(), (texts, claim) => {
        const facts = someFacts({
          http: anHttpRequest({ query: texts.join('&'), header: () => texts }),
          subject: aSubject({ groups: texts, sessionClaims: new Map([['c', [claim as never]]]) }),
        });
        const recorded = recordedFacts(['groups', 'header/x-a', 'query/a', 'claim/c'], facts);
        expect(JSON.stringify(recorded ?? {}).length).toBeLessThan(4 * 6 * 2048 + 200);
      }),
    );
  });
});
