import { describe, expect, test } from '@jest/globals';
import { isKnownReference, refersToAssertion, resolveReference } from '../../../src/core/assertion/references.ts';
import { parseHeaderTemplate } from '../../../src/core/assertion/header-template.ts';
import {
  addedRemovals,
  kubernetesHeaders,
  pomeriumHeaders,
  routeRemovals,
  routingKey,
} from '../../../src/core/assertion/pomerium-headers.ts';
import { filterGroups, groupsFilter, pomeriumGroups } from '../../../src/core/assertion/groups.ts';
import { hasOwnCredential, plainName } from '../../../src/core/assertion/hygiene.ts';
import { anAccessRequest } from '../request/a-request.ts';

const known = [
  ...['pomerium.access_token', 'pomerium.id_token', 'pomerium.jwt', 'doorward.jwt', 'pomerium.client_cert_fingerprint'],
  ...['pomerium.client_cert_san_dns', 'doorward.client_cert_san_email', 'pomerium.request.headers.x', 'user.id'],
  ...['user.email', 'user.name', 'groups', 'claims.a', 'claims.a.b', 'doorward.request.headers.x.y'],
];
const unknown = [
  ...[
    'pomerium',
    'pomerium.unknown',
    'pomerium.jwt.x',
    'pomerium.request',
    'pomerium.request.headers',
    'user',
    'user.sub',
  ],
  ...['pomerium.request.method.x', 'user.id.x', 'groups.a', 'claims', 'x', 'pomerium.user.email', 'doorward.claims.a'],
];

describe('a reference', () => {
  const source = {
    semantics: 'strict',
    identity: {
      ...{ sessionId: 's', userId: 'u', email: 'e', name: 'n', groups: ['g'], actors: [] },
      sessionClaims: new Map([
        ['a', ['c']],
        ['a.b', ['d']],
      ]),
      userClaims: new Map(),
    },
    tokens: { accessToken: 'access', idToken: 'id' },
    assertion: () => 'jwt',
    certificate: () => ({
      ...{ presented: true, valid: true },
      leaf: { fingerprint: 'f', spkiHash: '', sanDns: ['dns'], sanEmail: ['mail'], sanUri: [] },
    }),
    requestHeader: (name: string) => `header ${name}`,
  } as const;

  test.each(known)('%s is known and stands for something', (reference) => {
    expect(isKnownReference(reference.split('.'))).toBe(true);
    expect(resolveReference(reference.split('.'), source)).not.toBe('');
  });

  test.each(unknown)('%s is unknown and stands for nothing', (reference) => {
    expect(isKnownReference(reference.split('.'))).toBe(false);
    expect(resolveReference(reference.split('.'), source)).toBe('');
  });

  test('to the assertion is known as such', () => {
    expect([...known, ...unknown].filter((reference) => refersToAssertion(reference.split('.')))).toEqual([
      'pomerium.jwt',
      'doorward.jwt',
    ]);
    expect(refersToAssertion(['claims', 'jwt'])).toBe(false);
    expect(refersToAssertion([])).toBe(false);
  });

  test('to a prototype is unknown', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(resolveReference(['pomerium', name], source)).toBe('');
      expect(resolveReference(['claims', name], source)).toBe('');
      expect(isKnownReference([name, name])).toBe(false);
    }
  });
});

describe('groups', () => {
  const directory = { ids: ['1', '2', '3', '1'], nameOf: (id: string) => (id === '3' ? undefined : `name ${id}`) };
  const claims = new Map([['groups', ['c', 1, null, true]]]);

  test('of a directory are ids, and behind them the names of those', () => {
    expect(pomeriumGroups(directory, claims, undefined)).toEqual(['1', '2', '3', '1', 'name 1', 'name 2', 'name 1']);
  });

  test('are filtered by id, and only those of a directory are', () => {
    expect(pomeriumGroups(directory, claims, new Set(['1', 'name 2', 'c']))).toEqual(['1', '1', 'name 1', 'name 1']);
    expect(pomeriumGroups(directory, claims, new Set(['none']))).toEqual([]);
    expect(pomeriumGroups({ ...directory, ids: [] }, claims, new Set(['none']))).toEqual(['c', '1', 'true']);
    expect(pomeriumGroups(undefined, new Map(), undefined)).toEqual([]);
  });

  test('a filter is what either list names; without any there is none', () => {
    expect(groupsFilter([], undefined)).toBeUndefined();
    expect(groupsFilter([], [])).toBeUndefined();
    expect(groupsFilter(['a'], ['b'])).toEqual(new Set(['a', 'b']));
    expect(filterGroups(['b', 'c', 'a'], groupsFilter(['a'], ['b']))).toEqual(['b', 'a']);
    expect(filterGroups(['b'], undefined)).toEqual(['b']);
  });
});

describe('a Kubernetes API server', () => {
  test('is called by the service account on behalf of the user', () => {
    expect(kubernetesHeaders('token', { email: 'a@b', groups: ['x', 'y'] })).toEqual([
      ['authorization', 'Bearer token'],
      ['impersonate-user', 'a@b'],
      ['impersonate-group', 'x,y'],
    ]);
    expect(kubernetesHeaders('token', { email: '', groups: [] })).toEqual([['authorization', 'Bearer token']]);
  });
});

test('a routing key is the same for a session and says nothing of it', () => {
  expect(routingKey('s-alice@idp')).toBe('34c66f1899b09da1d96e1e5fbc858a0b5f5e9113b10a5a75b3b637926e4dd16d');
});

describe('headers by route in the Pomerium semantics', () => {
  test('are added in one order: assertion, claims, tokens, routing key, configured, carried over', () => {
    const identity = {
      ...{ sessionId: 's', userId: 'u', email: 'e', name: '', groups: [], actors: [] },
      ...{ sessionClaims: new Map(), userClaims: new Map() },
    };
    const added = pomeriumHeaders({
      ...{ identity, claims: new Map([['email', 'e']]), stamp: { issuedAt: 1, expiresAt: 2, id: 'i' } },
      ...{ assertionHeader: 'x-jwt', assertion: 'jwt', claimHeaders: [{ name: 'authorization', claim: 'email' }] },
      ...{ mcpAccessToken: 'mcp', kubernetesServiceAccountToken: 'k8s', hasRoutingKey: true },
      setRequestHeaders: [{ name: 'authorization', template: parseHeaderTemplate('$x') }],
      resolve: (reference) => reference.join(),
      requestHeader: (name) => (name === 'x-pomerium-jwt-assertion' ? 'theirs' : ''),
    });
    expect(added).toEqual([
      ['x-jwt', 'jwt'],
      ['authorization', 'e'],
      ['authorization', 'Bearer mcp'],
      ['authorization', 'Bearer k8s'],
      ['impersonate-user', 'e'],
      ['x-pomerium-routing-key', routingKey('s')],
      ['authorization', 'x'],
      ['x-pomerium-jwt-assertion-for', 'theirs'],
    ]);
  });

  test("are taken away where identity is not passed on, and an MCP server never gets the client's token", () => {
    const route = { removeRequestHeaders: ['X-A'], claimHeaders: [{ name: 'X-Email', claim: 'email' }] };
    expect(routeRemovals({ ...route, passIdentityHeaders: true })).toEqual(['X-A']);
    expect(routeRemovals({ ...route, passIdentityHeaders: false })).toEqual([
      ...['X-A', 'X-Email', 'x-pomerium-jwt-assertion', 'x-pomerium-jwt-assertion-for'],
    ]);
    expect(addedRemovals({ isMcpServer: true })).toEqual(['authorization']);
    expect(addedRemovals({ isMcpServer: false })).toEqual([]);
  });
});

describe('a header name', () => {
  test.each([
    ['x-email', 'x-email'],
    ['X_Email', 'x-email'],
    ['x.email', 'x-email'],
    ['x~email!', 'x-email-'],
    [':path', '-path'],
    ['', ''],
  ])('%j is read as %j', (name, expected) => {
    expect(plainName(name)).toBe(expected);
  });
});

test('a hostile Authorization costs little', () => {
  const started = performance.now();
  for (const text of [
    ', '.repeat(30_000),
    `${' '.repeat(60_000)}x`,
    `bearer${' '.repeat(60_000)}`,
    `,${'\t'.repeat(60_000)}`,
  ]) {
    expect(hasOwnCredential(anAccessRequest({ headers: [['authorization', text]] }))).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(500);
});
