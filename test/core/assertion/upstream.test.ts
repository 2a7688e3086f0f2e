import { describe, expect, test } from '@jest/globals';
import { upstreamOf } from '../../../src/core/assertion/upstream.ts';
import type { AssertionSigner } from '../../../src/core/ports.ts';
import { sessionHandle } from '../../../src/core/units.ts';
import { aSession, NOW, secondsAfter } from '../session/a-session.ts';
import { anUpstreamInput, claimsIn, HOST, received, receivedHeaders } from './an-upstream.ts';

const ASSERTION = 'x-pomerium-jwt-assertion';
const tokens = { accessToken: 'access', idToken: 'id', refreshToken: undefined, accessTokenExpiresAt: undefined };

const noSigner: AssertionSigner = {
  sign: () => {
    throw new Error('nothing may be signed here');
  },
  jwks: () => '',
};

describe('the routing key', () => {
  const KEY = 'x-pomerium-routing-key';
  const sent = [[KEY, 'of the client']] as const;
  const of = (given: Parameters<typeof receivedHeaders>[0]) =>
    receivedHeaders({ headers: sent, route: { hasRoutingKey: true }, ...given })[KEY];

  test('is the same for all requests of a session, another for another session, and no handle', () => {
    const [key = ''] = of({}) ?? [];
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(of({ route: { hasRoutingKey: true, passIdentityHeaders: false } })).toEqual([key]);
    expect(of({ config: { identity_semantics: 'pomerium' } })).toEqual([key]);
    const other = of({ session: aSession({ handle: sessionHandle('B'.repeat(43)) }) });
    expect(other?.[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(other).not.toEqual([key]);
  });

  test('is there for nobody in the strict semantics, and never the one that a client sent', () => {
    expect(of({ session: undefined })).toBeUndefined();
    expect(of({ route: { hasRoutingKey: false } })).toBeUndefined();
    expect(of({ session: undefined, config: { identity_semantics: 'pomerium' } })).toHaveLength(1);
  });
});

describe('someone who is signed in', () => {
  test('is told of by an assertion about this host, this session and this moment', () => {
    const claims = claimsIn(receivedHeaders()[ASSERTION]?.[0]);
    expect(claims).toEqual({
      iss: HOST,
      aud: HOST,
      sub: 'alice-1',
      user: 'alice-1',
      email: 'alice@example.com',
      groups: ['sre', 'dev'],
      name: 'Alice',
      sid: aSession().handle,
      iat: NOW,
      exp: NOW + 300,
      jti: '01010101-0101-4101-8101-010101010101',
    });
  });

  test('is told of by claim headers; a claim that is missing is an empty header', () => {
    const headers = receivedHeaders();
    expect(headers['x-email']).toEqual(['alice@example.com']);
    expect(headers['x-groups']).toEqual(['sre,dev']);
    expect(headers['x-department']).toEqual(['']);
  });

  test('is told of by any claim of the assertion that a header is configured for', () => {
    const names = ['iss', 'aud', 'sub', 'user', 'name', 'sid', 'iat', 'exp', 'jti', 'nope', '__proto__', 'toString'];
    const headers = receivedHeaders({
      config: { jwt_claims_headers: Object.fromEntries(names.map((name, index) => [`x-${index}`, name])) },
    });
    const { handle } = aSession();
    const id = '01010101-0101-4101-8101-010101010101';
    const expected = [HOST, HOST, 'alice-1', 'alice-1', 'Alice', handle, `${NOW}`, `${NOW + 300}`, id, '', '', ''];
    expect(names.map((_, index) => headers[`x-${index}`])).toEqual(expected.map((value) => [value]));
  });

  test('has claims named by a header in the assertion too, as the provider gave them', () => {
    const session = aSession({
      claims: new Map([
        ['department', ['eng']],
        ['roles', ['a', 'b,c']],
        ['level', [3]],
        ['nothing', [null]],
        ['none', []],
        ['__proto__', ['x']],
      ]),
      userClaims: new Map([
        ['department', ['other']],
        ['title', ['Dr']],
      ]),
    });
    const names = ['department', 'roles', 'level', 'title', '__proto__', 'nothing', 'none', 'nope'];
    const config = { jwt_claims_headers: Object.fromEntries(names.map((name, index) => [`x-${index}`, name])) };
    const headers = receivedHeaders({ session, config });
    const claims = claimsIn(headers[ASSERTION]?.[0]);
    expect(claims).toMatchObject({
      department: 'eng',
      roles: ['a', 'b,c'],
      level: 3,
      title: 'Dr',
      nothing: null,
      none: [],
    });
    expect(Object.hasOwn(claims, '__proto__')).toBe(true);
    expect(Object.hasOwn(claims, 'nope')).toBe(false);
    expect(names.map((_, index) => headers[`x-${index}`]?.[0])).toEqual(['eng', 'a,b%2Cc', '3', 'Dr', 'x', '', '', '']);
  });

  test('cannot be given other standard claims, times or actors by a claim of the provider', () => {
    const names = ['iss', 'aud', 'sub', 'user', 'email', 'groups', 'sid', 'name', 'iat', 'exp', 'nbf', 'jti', 'act'];
    const session = aSession({ claims: new Map(names.map((name) => [name, ['forged']])) });
    const config = { jwt_claims_headers: Object.fromEntries(names.map((name, index) => [`x-${index}`, name])) };
    const headers = receivedHeaders({ session, subject: { groups: [] }, config });
    expect(JSON.stringify(claimsIn(headers[ASSERTION]?.[0]))).not.toContain('forged');
    expect(JSON.stringify(headers)).not.toContain('forged');
  });

  test('who acts for another is told of as the other, with the chain of actors', () => {
    const headers = receivedHeaders({ subject: { actors: ['agent', 'orchestrator'] } });
    expect(claimsIn(headers[ASSERTION]?.[0])).toMatchObject({
      sub: 'alice-1',
      act: { sub: 'agent', act: { sub: 'orchestrator' } },
    });
  });

  test('is told of only the groups that the filter lists, in claim and header', () => {
    const headers = receivedHeaders({ route: { jwtGroupsFilter: ['dev', 'other'] } });
    expect(claimsIn(headers[ASSERTION]?.[0])['groups']).toEqual(['dev']);
    expect(headers['x-groups']).toEqual(['dev']);
  });

  test('of whose groups nothing is known has none', () => {
    const headers = receivedHeaders({ subject: { groups: undefined } });
    expect(claimsIn(headers[ASSERTION]?.[0])['groups']).toEqual([]);
  });

  test('has an issuer that is a URL where the route says so', () => {
    const headers = receivedHeaders({ route: { jwtIssuerFormat: 'uri' } });
    expect(claimsIn(headers[ASSERTION]?.[0])).toMatchObject({ iss: `https://${HOST}/`, aud: HOST });
  });

  test('has an assertion under the configured name, and nothing under the usual one', () => {
    const headers = receivedHeaders({
      headers: [[ASSERTION, 'forged']],
      config: { assertion_header: 'X-Who' },
    });
    expect(headers['x-who']?.[0]).toMatch(/^signed:/);
    expect(headers[ASSERTION]).toBeUndefined();
  });

  test('has an assertion that does not outlive the session', () => {
    const session = aSession({ expiresAt: secondsAfter(60.5) });
    expect(claimsIn(receivedHeaders({ session })[ASSERTION]?.[0])).toMatchObject({ iat: NOW, exp: NOW + 61 });
  });
});

describe('an anonymous request', () => {
  const forged = [
    [ASSERTION, 'forged'],
    [`${ASSERTION}-for`, 'forged'],
    ['x-email', 'forged'],
    ['x-groups', 'forged'],
  ] as const;

  test('has no assertion and no claim headers, and nothing of what the client sent as such', () => {
    expect(receivedHeaders({ session: undefined, headers: forged })).toEqual({});
  });

  test('has identity headers removed also where Envoy did not tell that the client sent them', () => {
    const { remove } = received(anUpstreamInput({ session: undefined }));
    expect([...remove].sort()).toEqual(['x-department', 'x-email', 'x-groups', ASSERTION, `${ASSERTION}-for`]);
  });

  test('fills templates about the user with nothing, and does not sign', () => {
    const input = anUpstreamInput({
      session: undefined,
      headers: [['x-user', 'forged']],
      setRequestHeaders: {
        'x-user': '${user.email}${user.id}${user.name}${groups}${claims.a}',
        'x-jwt': 'Bearer ${pomerium.jwt}',
        'x-tokens': '${pomerium.access_token}${doorward.id_token}',
      },
      input: { signer: noSigner },
    });
    expect(upstreamOf(input).set).toEqual([
      ['x-user', ''],
      ['x-jwt', 'Bearer'],
      ['x-tokens', ''],
    ]);
  });
});

describe('where identity is not passed on', () => {
  const route = { passIdentityHeaders: false };

  test('there is no assertion and no claim header, of nobody', () => {
    const headers = [[ASSERTION, 'forged'] as const, ['x-email', 'forged'] as const];
    expect(receivedHeaders({ route, headers })).toEqual({});
    expect(receivedHeaders({ route, headers, session: undefined })).toEqual({});
  });

  test('nothing is signed unless a template asks for it', () => {
    let signatures = 0;
    const signer = { sign: () => `signed ${++signatures}`, jwks: () => '' };
    upstreamOf(anUpstreamInput({ route, input: { signer } }));
    expect(signatures).toBe(0);
    const asked = receivedHeaders({
      route,
      setRequestHeaders: { authorization: 'Bearer ${pomerium.jwt}', 'x-twice': '${doorward.jwt}' },
      input: { signer },
    });
    expect(asked).toEqual({ authorization: ['Bearer signed 1'], 'x-twice': ['signed 1'] });
  });

  test('a template cannot bring an identity header back', () => {
    expect(receivedHeaders({ route, setRequestHeaders: { 'x-email': '${user.email}', 'x-other': 'a' } })).toEqual({
      'x-other': ['a'],
    });
  });
});

describe('configured headers', () => {
  test('win over what the client sent and over identity headers', () => {
    const headers = receivedHeaders({
      headers: [['x-env', 'forged'] as const, ['x_env', 'forged'] as const],
      setRequestHeaders: { 'X-Env': 'prod $$1', 'x-email': 'nobody' },
    });
    expect(headers).toMatchObject({ 'x-env': ['prod $1'], 'x-email': ['nobody'] });
    expect(headers['x_env']).toBeUndefined();
  });

  test('are known under any spelling, also those that begin with a symbol', () => {
    const sent = ['_user', '-user', '.user', '~user'].map((name) => [name, 'forged'] as const);
    const headers = receivedHeaders({ headers: sent, setRequestHeaders: { _user: 'a' }, session: undefined });
    expect(headers).toEqual({ _user: ['a'] });
  });

  test('that a route removes are removed, whoever sent them', () => {
    const headers = receivedHeaders({
      headers: [['x-debug', '1'] as const, ['accept', '*/*'] as const],
      route: { removeRequestHeaders: ['X-Debug', 'x-email', 'x-env'] },
      setRequestHeaders: { 'x-env': 'prod' },
    });
    expect(Object.keys(headers).sort()).toEqual(['accept', 'x-department', 'x-groups', ASSERTION]);
  });

  test('can carry tokens, claims, groups and the certificate', () => {
    const leaf = { fingerprint: 'ab12', spkiHash: '', sanDns: ['a.example', 'b,c'], sanEmail: ['x@y'], sanUri: [] };
    const given = {
      session: aSession({ tokens, claims: new Map([['address.country', ['DE', 'a,b']]]) }),
      setRequestHeaders: {
        'x-1': '${pomerium.access_token} $doorward.id_token',
        'x-2': '${claims.address.country}',
        'x-3': '${claims["address.country"]} ${user.id} ${user.name}',
        'x-4': '$groups',
        'x-5': '${pomerium.client_cert_fingerprint}|${pomerium.client_cert_san_dns}|${pomerium.client_cert_san_email}',
      },
      subject: { groups: ['a', 'b,c'] },
    };
    expect(
      receivedHeaders({ ...given, input: { certificate: () => ({ presented: true, valid: true, leaf }) } }),
    ).toMatchObject({
      'x-1': ['access id'],
      'x-2': ['DE,a%2Cb'],
      'x-3': ['DE,a%2Cb alice-1 Alice'],
      'x-4': ['a,b%2Cc'],
      'x-5': ['ab12|a.example|x@y'],
    });
    // Nobody vouches for this one.
    expect(
      receivedHeaders({ ...given, input: { certificate: () => ({ presented: true, valid: false, leaf }) } }),
    ).toMatchObject({
      'x-5': ['||'],
    });
  });

  test('can carry headers of the request, but not identity, cookies or credentials that are not for the application', () => {
    const headers = receivedHeaders({
      headers: [
        ['x-a', '1'] as const,
        ['x-a', '2'] as const,
        ['x-raw', 'a\ufffd'] as const,
        ['x-email', 'forged'] as const,
        ['x_pomerium_claim_a', 'forged'] as const,
        ['cookie', '__Host-_doorward=secret; a=1'] as const,
        ['authorization', 'Pomerium secret'] as const,
        [':authority', HOST] as const,
      ],
      setRequestHeaders: {
        'x-1': '${pomerium.request.headers["X-A"]}',
        'x-2': '<${pomerium.request.headers["x-raw"]}>',
        'x-3': '<${pomerium.request.headers["X-Email"]}${pomerium.request.headers.X_Pomerium_Claim_A}>',
        'x-4': '<${pomerium.request.headers.cookie}>',
        'x-5': '<${pomerium.request.headers.authorization}>',
        'x-6': '${pomerium.request.headers[":authority"]}',
        'x-7': '<${pomerium.request.headers}${pomerium.request}${pomerium.request.method}>',
      },
    });
    expect(headers).toMatchObject({
      'x-1': ['1,2'],
      'x-2': ['<>'],
      'x-3': ['<>'],
      'x-4': ['<a=1>'],
      'x-5': ['<>'],
      'x-6': [HOST],
      'x-7': ['<>'],
    });
  });
});

describe("what is Doorward's own", () => {
  test('the session cookie does not reach the application, nor any that belongs to a login', () => {
    const headers = receivedHeaders({
      headers: [
        [
          'cookie',
          'a=1; __Host-_doorward=secret; b="2"; doorward-flow-x=secret; __Host-doorward-flow-y=secret',
        ] as const,
      ],
    });
    expect(headers['cookie']).toEqual(['a=1; b="2"']);
  });

  test('a request that has no other cookie has none', () => {
    expect(receivedHeaders({ headers: [['cookie', '_doorward=secret'] as const] })['cookie']).toBeUndefined();
  });

  test.each([
    'Pomerium abc',
    'pomerium abc',
    'Bearer Pomerium-abc',
    'bearer  DOORWARD-abc',
    'Doorward abc',
    'Pomerium',
  ])('the credential %s does not reach the application', (value) => {
    expect(receivedHeaders({ headers: [['authorization', value] as const] })['authorization']).toBeUndefined();
  });

  test.each(['Bearer abc', 'Basic cG9tZXJpdW06', 'Pomeriumish abc', 'Bearer pomerium', 'Negotiate doorward-'])(
    "the credential %s is the application's",
    (value) => {
      expect(receivedHeaders({ headers: [['authorization', value] as const] })['authorization']).toEqual([value]);
    },
  );

  test('a credential behind a comma, where Envoy joined two lines, counts too', () => {
    const headers = [['authorization', 'Basic abc,Pomerium secret'] as const];
    expect(receivedHeaders({ headers })['authorization']).toBeUndefined();
  });

  test('a configured Authorization takes the place of a credential that is removed', () => {
    const headers = receivedHeaders({
      headers: [['authorization', 'Pomerium secret'] as const],
      setRequestHeaders: { Authorization: 'Basic abc' },
    });
    expect(headers['authorization']).toEqual(['Basic abc']);
  });
});

describe('an identity header that a client lists in Connection', () => {
  const connectionOf = (...lines: readonly string[]): readonly string[] | undefined =>
    receivedHeaders({
      headers: lines.map((line) => ['connection', line] as const),
      setRequestHeaders: { 'x-env': 'prod' },
    })['connection'];

  test.each([
    [['Upgrade, x-email'], ['Upgrade']],
    [['x-pomerium-jwt-assertion ,Upgrade,\tX-Groups, keep-alive'], ['Upgrade, keep-alive']],
    [['Upgrade', 'x_email'], ['Upgrade']],
    [['upgrade,,x-env'], ['upgrade']],
    [['x-doorward-anything'], undefined],
  ])('is no longer listed: %j is %j', (lines, expected) => {
    expect(connectionOf(...lines)).toEqual(expected);
  });

  test.each([[['Upgrade']], [['upgrade, HTTP2-Settings']], [['keep-alive', 'x-custom']], [[]]])(
    'is nothing to any other Connection line: %j stays',
    (lines) => {
      expect(connectionOf(...lines)).toEqual(lines.length === 0 ? undefined : lines);
    },
  );
});

describe('claims that no header can carry as they are', () => {
  test('become one value that an upstream can read back, and never another header', () => {
    const session = aSession({ name: 'Zoë\r\nX-Admin: 1\0' });
    const config = { jwt_claims_headers: { 'x-name': 'name' } };
    const headers = receivedHeaders({ session, config, setRequestHeaders: { 'x-user': '${user.name}' } });
    expect(headers['x-name']).toEqual(['Zo%C3%AB%0D%0AX-Admin: 1%00']);
    expect(headers['x-user']).toEqual(['Zo%C3%AB%0D%0AX-Admin: 1%00']);
  });

  test('a group with a comma is one group', () => {
    expect(receivedHeaders({ subject: { groups: ['a', 'b,admin'] } })['x-groups']).toEqual(['a,b%2Cadmin']);
  });

  test('tokens with controls are made harmless', () => {
    const session = aSession({ tokens: { ...tokens, accessToken: 'a\r\nx: 1' } });
    const headers = receivedHeaders({ session, setRequestHeaders: { 'x-t': '${pomerium.access_token}' } });
    expect(headers['x-t']).toEqual(['a%0D%0Ax: 1']);
  });

  test('an identity that is too large to be told is refused, and the error says what to do without telling it', () => {
    const groups = Array.from({ length: 3_000 }, (_, index) => `secret-group-${index}`);
    const tell = (): unknown => upstreamOf(anUpstreamInput({ subject: { groups } }));
    expect(tell).toThrow(expect.objectContaining({ name: 'DependencyError', code: 'signing-failed' }));
    expect(tell).toThrow(/^the headers .* narrow jwt_groups_filter or jwt_claims_headers$/);
    expect(() =>
      upstreamOf(anUpstreamInput({ subject: { groups }, route: { jwtGroupsFilter: ['secret-group-7'] } })),
    ).not.toThrow();
    expect(() =>
      upstreamOf(anUpstreamInput({ subject: { groups }, route: { passIdentityHeaders: false } })),
    ).not.toThrow();
  });
});

describe('signing', () => {
  test('happens once for all requests of a session on a host within thirty seconds', () => {
    const input = anUpstreamInput();
    const at = (seconds: number, more = {}): string | undefined =>
      received({ ...input, ...more, now: secondsAfter(seconds) }).headers.get(ASSERTION)?.[0];
    const first = at(0);
    expect(at(30)).toBe(first);
    expect(at(31)).not.toBe(first);
    expect(at(31, { host: 'other.example.com' })).not.toBe(at(31));
    expect(claimsIn(at(31, { host: 'other.example.com' }))['aud']).toBe('other.example.com');
  });

  test('happens for each request where the route says so', () => {
    const input = anUpstreamInput({ route: { assertionPerRequest: true } });
    const ids = [1, 2, 3].map(() => claimsIn(received(input).headers.get(ASSERTION)?.[0])['jti']);
    expect(new Set(ids).size).toBe(3);
  });

  test('happens anew as soon as a fact about the user, a filter or the signer is another', () => {
    const input = anUpstreamInput();
    const { subject, config, route } = input;
    if (subject === undefined) throw new Error('nobody is signed in');
    const told = (change: object): unknown => {
      const assertion = received({ ...input, ...change }).headers.get(ASSERTION)?.[0];
      return claimsIn(assertion)['groups'];
    };
    expect(told({})).toEqual(['sre', 'dev']);
    expect(told({ subject: { ...subject, groups: ['dev'] } })).toEqual(['dev']);
    expect(told({ route: { ...route, jwtGroupsFilter: ['sre'] } })).toEqual(['sre']);
    expect(told({ config: { ...config, jwt_claims_headers: {} } })).toEqual(['sre', 'dev']);
    const other = {
      sign: (claims: string) => `signed:${encodeURIComponent(claims.replace('sre', 'other'))}`,
      jwks: () => '',
    };
    expect(told({ signer: other })).toEqual(['other', 'dev']);
  });
});
