import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { appliedGlobalKeys, appliedRouteKeys } from '../../../src/adapters/config/schema/file-schema.ts';
import { foreignGlobalKeys, foreignRouteKeys } from '../../../src/adapters/config/schema/pomerium-keys.ts';
import type { Problem, TreePath } from '../../../src/core/problem.ts';
import {
  COOKIE_SECRET,
  linesOf,
  load,
  loaded,
  loadedWith,
  PATH,
  ROUTES,
  SECRETS,
  SHARED_SECRET,
  told,
} from './support.ts';
import type { World } from './support.ts';

describe('a small file', () => {
  test('has a default for everything else', async () => {
    const { access, server, notices, files } = await loaded(`${SECRETS}${ROUTES}`, {
      env: { XDG_RUNTIME_DIR: '/run/user/7' },
    });
    expect(notices).toEqual([]);
    expect(access).toEqual({
      routes: [{ from: 'https://app.example.com', allow_public_unauthenticated_access: true }],
      idps: [],
      policy_semantics: 'strict',
      identity_semantics: 'strict',
      cookie_name: 'doorward',
      session_lifetime: 50_400,
      session_recheck_interval: 300,
      cookie_same_site: 'lax',
      cookie_secret: [COOKIE_SECRET],
      shared_secret: [SHARED_SECRET],
      signing_key: [],
      pass_identity_headers: false,
      jwt_claims_headers: {},
      jwt_groups_filter: [],
      jwt_issuer_format: 'hostOnly',
      assertion_header: 'x-pomerium-jwt-assertion',
      trusted_proxies: [],
    });
    expect(server).toEqual({
      grpc_address: { kind: 'tcp', host: '127.0.0.1', port: 50051 },
      grpc_tls: undefined,
      grpc_insecure: false,
      ops_address: { kind: 'tcp', host: '127.0.0.1', port: 9464 },
      admin_socket: '/run/user/7/doorward/admin.sock',
      session_store: 'memory',
      redis: undefined,
      workers: 1,
      log_level: 'info',
      checks_in_flight_max: 10_000,
      audit: { destination: 'stdout' },
    });
    expect(files.map(({ path }) => path)).toEqual([PATH]);
  });

  test('a byte order mark at its beginning is not part of it', async () => {
    expect((await loaded(`\ufeff${SECRETS}${ROUTES}`)).access.routes).toHaveLength(1);
  });

  test.each([
    ['', '1:1 error the file is empty: there is no configuration in it'],
    ['# only a comment\n', '1:1 error the file is empty: there is no configuration in it'],
    ['!ENOENT', '1:1 error the file does not exist'],
    ['!EACCES', '1:1 error the file may not be read by this user'],
    ['!EISDIR', '1:1 error the file is a directory'],
    ['!EFBIG', '1:1 error the file is larger than 16 MiB'],
    ['!ENOTREG', '1:1 error the file is not a regular file'],
    ['!EIO', '1:1 error the file cannot be read'],
  ])('%j in place of a file is told in one sentence', async (content, line) => {
    const result = await load(content);
    expect(linesOf(result)).toEqual([line]);
    expect(!result.ok && result.error.files.map(({ path }) => path)).toEqual([PATH]);
  });

  test('what is not UTF-8 is told', async () => {
    expect(linesOf(await load('', { files: { [PATH]: Uint8Array.of(0x61, 0xff) } }))).toEqual([
      '1:1 error the file is not UTF-8 text',
    ]);
  });

  test('without routes, or without a way to sign in, there is a warning', async () => {
    expect(await told('routes: []')).toEqual(['1:1 warning there are no routes: every request will be answered 404']);
    expect(await told('routes: [{ from: "https://a.example.com", policy: [] }]')).toEqual([
      '1:1 warning there is no identity provider (`idps` or `idp_client_id`): nobody can sign in',
    ]);
  });
});

describe('routes', () => {
  test('every key of a route comes through in the form that the core takes', async () => {
    const { access } = await loadedWith(`
routes:
  - from: https://a.example.com
    id: a
    name: A
    description: the first
    path_separated_prefix: /x
    policy: [{ allow: { and: [{ email: { is: a@example.com } }] } }]
    allowed_users: a@example.com, b@example.com
    allowed_domains: [example.com]
    allowed_idp_claims: { groups: [ops, 1], department: eng, realm: { roles: [x] } }
    cors_allow_preflight: true
    pass_identity_headers: true
    set_request_headers: { X-Jwt: "\${pomerium.jwt}", X-Cost: "$$5" }
    remove_request_headers: [X-Secret]
    load_balancing_policy: MAGLEV
    lb_policy: ring_hash
    jwt_groups_filter: ops
    jwt_issuer_format: uri
    assertion_per_request: true
    idp: [corp]
    show_error_details: true
    path_parameters: allow
    relax: [encoded_slash]
    insecure_http: false
    session_lifetime: 1h
    session_idle_timeout: 600
    max_stream_duration: 5m
    on_unauthenticated: 401
    labels: { environment: production }
    mode: shadow
    shadow_of: b
`);
    // Others are other ways to say what is said here, or have one value only.
    const others = ['prefix', 'path', 'regex', 'allow_public_unauthenticated_access', 'allow_any_authenticated_user'];
    const certificates = ['tls_downstream_client_ca', 'tls_downstream_client_ca_file'];
    const fixed = ['bearer_token_format', 'enable_google_cloud_serverless_authentication'];
    expect([...Object.keys(access.routes[0] ?? {}), ...others, ...certificates, ...fixed].sort()).toEqual(
      [...appliedRouteKeys].sort(),
    );
    expect(access.routes).toEqual([
      {
        from: 'https://a.example.com',
        id: 'a',
        name: 'A',
        description: 'the first',
        path_separated_prefix: '/x',
        policy: [{ allow: { and: [{ email: { is: 'a@example.com' } }] } }],
        allowed_users: ['a@example.com', 'b@example.com'],
        allowed_domains: ['example.com'],
        allowed_idp_claims: { groups: ['ops', 1], department: ['eng'], 'realm.roles': ['x'] },
        cors_allow_preflight: true,
        pass_identity_headers: true,
        set_request_headers: { 'X-Jwt': '${pomerium.jwt}', 'X-Cost': '$$5' },
        remove_request_headers: ['X-Secret'],
        load_balancing_policy: 'MAGLEV',
        lb_policy: 'ring_hash',
        jwt_groups_filter: ['ops'],
        jwt_issuer_format: 'uri',
        assertion_per_request: true,
        idp: ['corp'],
        show_error_details: true,
        path_parameters: 'allow',
        relax: ['encoded_slash'],
        insecure_http: false,
        session_lifetime: 3600,
        session_idle_timeout: 600,
        max_stream_duration: 300,
        on_unauthenticated: '401',
        labels: { environment: 'production' },
        mode: 'shadow',
        shadow_of: 'b',
      },
    ]);
  });

  test('policy comes before routes, and each knows where it stands', async () => {
    const config = await loadedWith(
      'routes:\n  - { from: "https://b.example.com", prefix: / }\npolicy:\n  - { from: "https://a.example.com", regex: "(" }',
    );
    expect(config.access.routes.map(({ from }) => from)).toEqual(['https://a.example.com', 'https://b.example.com']);
    expect([config.routePath(0), config.routePath(1)]).toEqual([
      ['policy', 0],
      ['routes', 0],
    ]);
    const at = (path: (string | number)[], atKey = false): string | undefined =>
      config
        .locate([{ severity: 'error', path, message: 'm', atKey }])
        .map(({ file, line, column }) => `${file}:${line}:${column}`)[0];
    expect(at(['policy', 0, 'regex'])).toBe(`${PATH}:4:45`);
    expect(at(['policy', 0, 'regex'], true)).toBe(`${PATH}:4:38`);
    expect(at(['routes', 1, 'prefix'])).toBe(`${PATH}:2:46`);
  });

  test('what the core calls by another name than the file is found', async () => {
    const config = await loadedWith(
      'authenticate_service_url: https://auth.example.com\nsigning_key_file: k.pem\ncookie_expire: 2h',
      {
        files: { 'k.pem': (await import('./keys.ts')).EC_KEY },
      },
    );
    expect(config.access).toMatchObject({ auth_url: 'https://auth.example.com', session_lifetime: 7200 });
    const problem = { severity: 'error', message: 'm' } as const;
    expect(
      config
        .locate([
          { ...problem, path: ['signing_key'] },
          { ...problem, path: ['auth_url'] },
          { ...problem, path: ['session_lifetime'] },
          { ...problem, path: ['nowhere'] },
        ])
        .map(({ line, column }) => `${line}:${column}`),
    ).toEqual(['1:1', '1:27', '2:19', '3:16']);
  });

  const both = (keys: string): Promise<readonly string[]> => told(`routes:\n  - from: https://a.example.com\n${keys}`);

  test.each([
    [
      '    allow_public_unauthenticated_access: true\n    allow_any_authenticated_user: true',
      '4:35 error `allow_any_authenticated_user` has no meaning beside `allow_public_unauthenticated_access`',
    ],
    [
      '    allow_public_unauthenticated_access: true\n    allowed_users: [a]',
      '4:20 error `allowed_users` has no meaning beside `allow_public_unauthenticated_access`',
    ],
    [
      '    allow_public_unauthenticated_access: true\n    allowed_domains: [a]',
      '4:22 error `allowed_domains` has no meaning beside `allow_public_unauthenticated_access`',
    ],
    [
      '    allow_public_unauthenticated_access: true\n    allowed_idp_claims: { a: b }',
      '4:25 error `allowed_idp_claims` has no meaning beside `allow_public_unauthenticated_access`',
    ],
    [
      '    allow_any_authenticated_user: true\n    allowed_users: [a]',
      '4:20 error `allowed_users` has no meaning beside `allow_any_authenticated_user`',
    ],
    ['    session_lifetime: 15h\n', '3:23 error `session_lifetime` is longer than the global `session_lifetime`'],
    [
      '    session_idle_timeout: 15h\n',
      '3:27 error `session_idle_timeout` is longer than the global `session_lifetime`',
    ],
  ])('%j is a contradiction', async (keys, line) => {
    expect(await both(keys)).toEqual([line]);
  });

  test('a route is never longer idle than the global key says', async () => {
    expect(
      await told('session_idle_timeout: 1h\nroutes:\n  - { from: "https://a", session_idle_timeout: 2h }'),
    ).toEqual(['3:48 error `session_idle_timeout` is longer than the global `session_idle_timeout`']);
  });
});

describe('global keys', () => {
  test('every key comes through', async () => {
    const { access } = await loadedWith(`
policy_semantics: pomerium
identity_semantics: pomerium
auth_url: https://auth.example.com
cookie_name: sid
session_lifetime: 8h
session_idle_timeout: 30m
session_recheck_interval: 5s
sessions_per_user: 3
cookie_same_site: Strict
pass_identity_headers: true
jwt_claims_headers: { X-Email: email, x-pomerium-claim-groups: groups }
jwt_groups_filter: [ops]
jwt_issuer_format: uri
assertion_header: X-Identity
trusted_proxies: 10.0.0.0/8, 192.168.0.0/16
signout_redirect_url: https://example.com/bye
change_windows: { deploys: { timezone: UTC, days: mon-fri, hours: { after: 9 AM }, freezes: [2026-12-25] } }
`);
    expect(access).toMatchObject({
      policy_semantics: 'pomerium',
      identity_semantics: 'pomerium',
      auth_url: 'https://auth.example.com',
      cookie_name: 'sid',
      session_lifetime: 28_800,
      session_idle_timeout: 1800,
      session_recheck_interval: 5,
      sessions_per_user: 3,
      cookie_same_site: 'strict',
      pass_identity_headers: true,
      jwt_claims_headers: { 'x-email': 'email', 'x-pomerium-claim-groups': 'groups' },
      jwt_groups_filter: ['ops'],
      jwt_issuer_format: 'uri',
      assertion_header: 'X-Identity',
      trusted_proxies: ['10.0.0.0/8', '192.168.0.0/16'],
      signout_redirect_url: 'https://example.com/bye',
      change_windows: {
        deploys: { timezone: 'UTC', days: 'mon-fri', hours: { after: '9 AM' }, freezes: ['2026-12-25'] },
      },
    });
  });

  test.each(['[email, groups]', 'email, groups', '{ x-pomerium-claim-email: email, X-Pomerium-Claim-Groups: groups }'])(
    'jwt_claims_headers may be %s',
    async (form) => {
      expect((await loadedWith(`jwt_claims_headers: ${form}`)).access.jwt_claims_headers).toEqual({
        'x-pomerium-claim-email': 'email',
        'x-pomerium-claim-groups': 'groups',
      });
    },
  );

  test.each([
    ['change_windows: { w: { days: mon } }', '1:22 error `timezone` is missing'],
    ['change_windows: { w: { timezone: UTC, zone: UTC } }', '1:39 error unknown key `zone`'],
    [
      'change_windows: { w: { timezone: UTC, freezes: [5] } }',
      '1:49 error `change_windows.w.freezes[0]` must be a date, or a range with `from` and `until`',
    ],
    [
      'change_windows: { "a b": { timezone: UTC } }',
      '1:19 error `change_windows` must have names of letters, digits and `_-.` as keys',
    ],
    ['jwt_claims_headers: { X-A: a, x-a: b }', '1:36 error the header `x-a` is given twice'],
    ['jwt_claims_headers: [a, A]', '1:25 error the header `x-pomerium-claim-a` is given twice'],
    ['jwt_claims_headers: { Cookie: a }', '1:31 error `cookie` cannot carry a claim'],
    [
      'jwt_claims_headers: { X-Pomerium-Jwt-Assertion: a }',
      '1:49 error `x-pomerium-jwt-assertion` cannot carry a claim',
    ],
    [
      'jwt_claims_headers: ["a b"]',
      '1:22 error this claim cannot be part of a header name: write a map of header names to claims',
    ],
    [
      'assertion_header: Cookie',
      '1:19 error `assertion_header` must be a header that applications may get from Doorward',
    ],
    [
      'auth_url: https://a\nauthenticate_service_url: https://b',
      '2:27 error `authenticate_service_url` is another name of `auth_url`, which is given as well: which one is meant?',
    ],
    [
      'session_lifetime: 1h\ncookie_expire: 2h',
      '2:16 error `cookie_expire` is another name of `session_lifetime`, which is given as well: which one is meant?',
    ],
    [
      'session_lifetime: 1h\nsession_idle_timeout: 2h',
      '2:23 error `session_idle_timeout` is longer than `session_lifetime`',
    ],
    ['session_recheck_interval: 4.9', '1:27 error `session_recheck_interval` must be at least 5s'],
    ['sessions_per_user: 0', '1:20 error `sessions_per_user` must be a whole number from 1 to 100'],
    ['sessions_per_user: 101', '1:20 error `sessions_per_user` must be a whole number from 1 to 100'],
    [
      'cookie_same_site: none\nroutes: [{ from: "http://localhost", allow_public_unauthenticated_access: true }]',
      '2:18 error `cookie_same_site: none` needs every route to be https',
    ],
    [
      'signout_redirect_url: /bye',
      '1:23 error `signout_redirect_url` must be a URL that starts with https:// or http://',
    ],
    [
      'signout_redirect_url: "javascript:alert(1)"',
      '1:23 error `signout_redirect_url` must be a URL that starts with https:// or http://',
    ],
  ])('%j is told', async (yaml, line) => {
    expect(await told(yaml)).toEqual([line]);
  });
});

describe('identity providers', () => {
  test('the idp_ keys make the one named default', async () => {
    const { access } = await loadedWith(`
idp_provider: oidc
idp_provider_url: https://login.example.com
idp_client_id: doorward
idp_client_secret: s3cret
idp_scopes: [openid, groups]
idp_request_params: { hd: example.com }
`);
    expect(access.idps).toEqual([
      {
        name: 'default',
        url: 'https://login.example.com',
        client_id: 'doorward',
        client_secret: 's3cret',
        scopes: ['openid', 'groups'],
        request_params: { hd: 'example.com' },
      },
    ]);
  });

  const idp = {
    url: 'https://a.example.com',
    client_id: 'x',
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    request_params: {},
  };

  test.each([
    'idps: [{ name: a, client_id: x, url: "https://a.example.com" }, { name: b, label: B, client_id: x, url: "https://a.example.com" }]',
    'idps: { a: { client_id: x, url: "https://a.example.com" }, b: { name: b, label: B, client_id: x, url: "https://a.example.com" } }',
  ])('%s', async (yaml) => {
    expect((await loadedWith(yaml)).access.idps).toEqual([
      { name: 'a', ...idp },
      { name: 'b', label: 'B', ...idp },
    ]);
  });

  test('the idp_ keys and idps go together', async () => {
    const { access } = await loadedWith(
      'idp_provider: google\nidp_client_id: x\nidps: { b: { client_id: y, url: "https://b.example.com" } }',
    );
    expect(access.idps.map(({ name }) => name)).toEqual(['default', 'b']);
  });

  test('google and gitlab are known, and asked for no scope that they refuse', async () => {
    const { access } = await loadedWith(
      'idps: { g: { provider: google, client_id: x }, l: { provider: gitlab, client_id: x } }',
    );
    expect(access.idps).toEqual([
      {
        name: 'g',
        url: 'https://accounts.google.com',
        client_id: 'x',
        scopes: ['openid', 'profile', 'email'],
        request_params: { access_type: 'offline' },
      },
      {
        name: 'l',
        url: 'https://gitlab.com',
        client_id: 'x',
        scopes: ['openid', 'profile', 'email'],
        request_params: {},
      },
    ]);
  });

  test.each(['openid email', 'openid,email', '[openid, email]'])('scopes may be %s', async (scopes) => {
    const { access } = await loadedWith(
      `idps: { a: { client_id: x, url: "https://a", scopes: ${/^\[/.test(scopes) ? scopes : `"${scopes}"`} } }`,
    );
    expect(access.idps[0]?.scopes).toEqual(['openid', 'email']);
  });

  test('http is for a loopback issuer that is meant to be one', async () => {
    const one = (url: string, more = ''): Promise<readonly string[]> =>
      told(`idps: { a: { client_id: x, url: "${url}"${more} } }`);
    expect(await one('http://localhost:9000', ', insecure_http: true')).toEqual([]);
    expect(await one('http://127.0.0.1:9000', ', insecure_http: true')).toEqual([]);
    expect(await one('http://127.0.0.1:9000')).toEqual([
      '1:33 error `url` must start with https:// (for a loopback address, `insecure_http: true` allows http)',
    ]);
    expect(await one('http://idp.example.com', ', insecure_http: true')).toEqual([
      '1:33 error `url` must start with https://',
    ]);
    expect(await one('http://127.0.0.1.evil.example', ', insecure_http: true')).toEqual([
      '1:33 error `url` must start with https://',
    ]);
  });

  test.each([
    ['idps: { a: { client_id: x } }', '1:12 error `url` is missing: the issuer of a is not known'],
    ['idp_client_id: x', '1:1 error `idp_provider_url` is missing: the issuer of default is not known'],
    [
      'idp_provider: okta\nidp_client_id: x',
      '1:1 error `idp_provider_url` is missing: the issuer of default is not known',
    ],
    ['idp_provider: oidc', '1:1 error `idp_client_id` is missing: `idp_provider` needs it'],
    [
      'idp_provider: apple\nidp_client_id: x',
      '1:15 error `idp_provider`: apple answers by POST, which Doorward’s callback does not take',
    ],
    [
      'idp_provider: github\nidp_client_id: x',
      '1:15 error `idp_provider`: github does not speak OpenID Connect to users: put an OpenID provider in front of it',
    ],
    [
      'idp_provider: gogle\nidp_client_id: x',
      '1:15 error `idp_provider` must be one of oidc, auth0, azure, cognito, okta, onelogin, ping, gitlab, google; did you mean `google`?',
    ],
    [
      'idp_provider: toString\nidp_client_id: x',
      '1:15 error `idp_provider` must be one of oidc, auth0, azure, cognito, okta, onelogin, ping, gitlab, google',
    ],
    ['idps: [{ client_id: x, url: "https://a" }]', '1:8 error `name` is missing'],
    [
      'idps: { a: { name: b, client_id: x, url: "https://a" } }',
      '1:20 error `name` differs from the key of the map: leave it out',
    ],
    [
      'idps: [{ name: a, client_id: x, url: "https://a" }, { name: a, client_id: x, url: "https://b" }]',
      '1:53 error there are two identity providers of this name',
    ],
    [
      'idp_provider: google\nidp_client_id: x\nidps: { default: { client_id: x, url: "https://a" } }',
      '3:18 error there are two identity providers of this name',
    ],
    ['idps: { a: { client_id: x, url: "login" } }', '1:33 error `url` must be a URL such as https://login.example.com'],
    [
      'idps: { a: { client_id: x, url: "https://u:p@a" } }',
      '1:33 error `url` must be a URL without user, query and fragment',
    ],
    [
      'idps: { a: { client_id: x, url: "https://a?x=y" } }',
      '1:33 error `url` must be a URL without user, query and fragment',
    ],
    ['idps: { a: { client_id: x, url: "ftp://a" } }', '1:33 error `url` must start with https://'],
    [
      'idps: { a: { client_id: x, url: "https://a", scopes: email } }',
      '1:54 error `scopes` must have `openid` among them',
    ],
    [
      'idps: { a: { client_id: x, url: "https://a", request_params: { state: x } } }',
      '1:71 error `state` is set by Doorward itself',
    ],
    [
      'idp_provider: google\nidp_client_id: x\nidp_request_params: { redirect_uri: x }',
      '3:37 error `redirect_uri` is set by Doorward itself',
    ],
    [
      'idps: { a: { client_id: x, url: "https://a", client_secret: s, client_secret_file: f } }',
      '1:84 error `client_secret` and `client_secret_file` are both given: which one is meant?',
    ],
    [
      'idps: { a: { client_id: x, url: "https://a", client_secret_file: none } }',
      '1:66 error `client_secret_file`: the file does not exist',
    ],
    [
      'idp_provider: google\nidp_client_id: x\nidp_client_secret_file: none',
      '3:25 error `idp_client_secret_file`: the file does not exist',
    ],
  ])('%j', async (yaml, line) => {
    expect(await told(yaml, { files: { f: 'x' } })).toEqual([line]);
  });
});

describe('what compiling finds', () => {
  const problem = (path: TreePath, severity: 'error' | 'warning' = 'error'): Problem => ({
    severity,
    path,
    message: 'found',
  });
  const yaml = `cookie_name: 5
idps: { a: x }
auth_url: https://*.x
routes:
  - from: https://a.example.com
    prefix: 7
    regex: "("
    idp: a`;

  test('is told with what was found before, unless it follows from that', async () => {
    const findMore: World['findMore'] = ({ access, routePath }) => {
      expect(access.routes).toEqual([{ from: 'https://a.example.com', regex: '(', idp: ['a'] }]);
      return [
        problem(['auth_url']),
        problem([...routePath(0), 'regex']),
        problem([...routePath(0), 'prefix']),
        problem([...routePath(0), 'idp']),
        problem(routePath(0)),
        problem([...routePath(0), 'regex'], 'warning'),
        problem(['cookie_name']),
      ];
    };
    expect((await told(yaml, { findMore })).filter((line) => line.endsWith('found'))).toEqual([
      '3:11 error found',
      '7:12 error found',
    ]);
  });

  test('is told beside tags, keys that stand twice, and what the shape is not', async () => {
    const file = (name: string) => `${SECRETS}cookie_name: !!js/function x
${ROUTES}    prefix: /a
    prefix: /b
${name}: 1
`;
    const findMore: World['findMore'] = ({ routePath }) => [problem([...routePath(0), 'prefix'])];
    const tag = '3:14 error tags such as `!name` are not supported';
    const twice = '8:5 error this key was given before in the same map';
    expect(linesOf(await load(file('no_such_key'), { findMore }))).toEqual([
      tag,
      '7:13 error found',
      twice,
      '9:1 error unknown key `no_such_key`',
    ]);
    expect(linesOf(await load(file('workers'), { findMore }))).toEqual(
      expect.arrayContaining([tag, '7:13 error found', twice]),
    );
  });

  test('is not asked for when nothing was wrong before, nor when nothing is sound', async () => {
    const findMore = (): never => {
      throw new Error('asked');
    };
    await loadedWith('', { findMore });
    expect(await load('[]', { findMore })).toMatchObject({ ok: false });
  });
});

describe('whatever is in the file', () => {
  const key = fc.oneof(
    fc.constantFrom(
      ...appliedGlobalKeys,
      ...appliedRouteKeys,
      ...Object.keys(foreignGlobalKeys),
      ...Object.keys(foreignRouteKeys),
    ),
    fc.constantFrom('url', 'client_id', 'host', 'tls', 'ca_file', 'certificate_file', '__proto__', 'constructor', '0'),
    fc.string(),
  );
  const leaf = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'https://a.example.com',
      '30s',
      '${HOME}',
      '$$',
      'stdout',
      'unix:/x',
      '127.0.0.1:1',
      '/k',
      'redis://h',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }));

  test('loading answers, with a problem or without', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, tree, { maxKeys: 8 }), async (file) => {
        const result = await load(stringify(file), { files: { '/k': 'x' } });
        if (result.ok) return;
        expect(result.error.problems.some(({ severity }) => severity === 'error')).toBe(true);
        for (const { line, column } of result.error.problems) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 600 },
    );
  }, 60_000);

  test('a fault anywhere in a good file is told, and at its own place', async () => {
    const { GOOD_FILE } = await import('./good-file.ts');
    await loaded(GOOD_FILE);
    const lines = GOOD_FILE.split('\n');
    const keys = lines.flatMap((line, index) => (/^ *(- )?(?!corp)[a-z_]+:/.test(line) ? [index] : []));
    for (const index of keys) {
      const line = lines[index] ?? '';
      const spoilt = lines.with(index, line.replace(/([a-z_]+):/, 'zz_$1_zz:')).join('\n');
      const column = line.search(/[a-z]/) + 1;
      const told = linesOf(await load(spoilt));
      expect(told.filter((one) => one.startsWith(`${index + 1}:${column} error unknown key \`zz_`))).toHaveLength(1);
    }
  });
});
