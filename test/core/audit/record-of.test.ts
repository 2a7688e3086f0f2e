/** The record of one Check: who, what, by which rule, under what conditions; readable whatever a client sent. */

import { describe, expect, test } from '@jest/globals';

import { recordOf } from '../../../src/core/audit/record-of.ts';
import type { Findings } from '../../../src/core/decision.ts';
import { idpName } from '../../../src/core/units.ts';
import { anAccessRequest } from '../request/a-request.ts';
import { aRoute } from '../route/a-route.ts';
import { aSession, NOW } from '../session/a-session.ts';
import { load, someFacts } from '../policy/builders.ts';

const allowed = { kind: 'allow', upstream: { set: [], remove: [], setCookies: [] } } as const;
const generation = { number: 7, contentHash: 'c0ffee' };

const { policy } = load([{ allow: { or: [{ groups: 'eng' }] } }]);

const findings = (changes: Partial<Findings> = {}): Findings => ({
  target: {
    host: 'grafana.example.com',
    path: '/d/1',
    decodedPath: '/d/1',
    query: 'secret=1',
    irregularities: [],
    hasParameters: false,
  },
  client: { address: '192.0.2.1', from: 'peer', via: [], isProxy: false },
  route: aRoute('grafana', 'grafana.example.com', undefined, { policy }),
  pinned: undefined,
  presented: undefined,
  session: undefined,
  found: { kind: 'none' },
  facts: someFacts(),
  verdict: policy.evaluate(someFacts()),
  ...changes,
});

const record = (changes: Partial<Parameters<typeof recordOf>[0]> = {}) =>
  recordOf({
    request: anAccessRequest({ path: '/d/1?secret=1' }),
    requestId: 'r-1',
    findings: findings(),
    outcome: allowed,
    decision: 'allow',
    code: 'allow',
    generation,
    now: NOW,
    micros: 12,
    ...changes,
  });

describe('the record of a Check', () => {
  test('has the conditions that the policy read, and which configuration decided', () => {
    expect(record()).toMatchObject({
      v: 2,
      time: NOW,
      route: 'grafana',
      rule: 'allow[0].or',
      policy_generation: 7,
      policy_hash: 'c0ffee',
      facts: { groups: ['eng', 'admins'] },
      identity: { state: 'none' },
      path: '/d/1',
    });
    expect(JSON.stringify(record())).not.toContain('secret');
  });

  test('says what is known of a session, and whether the route took it', () => {
    const session = aSession();
    const found = { kind: 'session', session } as const;
    const times = { idp: idpName('default'), created: session.createdAt, last_seen: session.lastSeenAt };
    expect(record({ findings: findings({ session, found }) })).toMatchObject({
      identity: { state: 'taken', ...times },
      subject: 'alice-1',
      credential: 'session-cookie',
    });
    expect(record({ findings: findings({ found }) })).toMatchObject({
      identity: { state: 'not-taken', ...times },
      subject: undefined,
      credential: 'none',
    });
    expect(record({ findings: findings({ found: { kind: 'unread' } }) }).identity).toEqual({ state: 'unread' });
  });

  test('says which proxies passed the request on, and which route was pinned', () => {
    const client = { address: '203.0.113.9', from: 'x-forwarded-for', via: ['10.0.0.1'], isProxy: false } as const;
    expect(record({ findings: findings({ client, pinned: 'grafana' }) })).toMatchObject({
      client_address: '203.0.113.9',
      client_address_via: ['10.0.0.1'],
      client_address_is_proxy: undefined,
      route_pinned: 'grafana',
    });
    expect(record({ findings: findings({ client: { ...client, isProxy: true } }) }).client_address_is_proxy).toBe(true);
  });

  test('of a request that was not judged has what stood before the query', () => {
    const outcome = { kind: 'answer', response: { status: 400, headers: [], body: '' }, code: 'bad-request' } as const;
    const request = anAccessRequest({ path: '/a//b?token=1', authority: 'X' });
    expect(record({ request, findings: undefined, outcome, decision: 'error', code: 'bad-request' })).toMatchObject({
      decision: 'error',
      status: 400,
      path: '/a//b',
      host: 'X',
      client_address: '192.0.2.1',
      client_address_from: 'peer',
      client_address_via: undefined,
      identity: { state: 'unread' },
      facts: undefined,
    });
    expect(record({ request: undefined, findings: undefined })).toMatchObject({ method: '', host: '', path: '' });
  });

  test('has no facts where no route or no policy was asked', () => {
    expect(record({ findings: findings({ route: undefined }) }).facts).toBeUndefined();
    expect(record({ findings: findings({ facts: undefined, verdict: undefined }) })).toMatchObject({
      facts: undefined,
      rule: undefined,
      allow_reasons: [],
      deny_reasons: [],
    });
  });

  test('stays readable when a client sends very long texts', () => {
    const request = anAccessRequest({
      method: 'M'.repeat(1000),
      authority: 'h'.repeat(1000),
      path: `/${'p'.repeat(9000)}`,
    });
    const { method, host, path } = record({ request, findings: undefined });
    expect([method.length, host.length, path.length]).toEqual([64, 255, 2048]);
    expect(path.endsWith('…')).toBe(true);
  });
});
