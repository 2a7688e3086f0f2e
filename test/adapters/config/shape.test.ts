import { describe, expect, test } from '@jest/globals';
import { linesOf, load, told } from './support.ts';

/** Everything told of a file that is `yaml` and then what every file needs. */
const route = (keys: string): string => `routes:\n  - from: https://a.example.com\n    ${keys}`;

describe('unknown keys', () => {
  test.each([
    ['cookie_nam: x', '1:1 error unknown key `cookie_nam`; did you mean `cookie_name`?'],
    ['cookieName: x', '1:1 error unknown key `cookieName`; did you mean `cookie_name`?'],
    ['sso: x', '1:1 error unknown key `sso`'],
    ['prefix: /', '1:1 error unknown key `prefix`: it belongs to a route, below `routes`'],
    [route('cookie_name: x'), '3:5 error unknown key `cookie_name`: it belongs to the top of the file'],
    [route('polcy: []'), '3:5 error unknown key `polcy`; did you mean `policy`?'],
    [
      route('allow_any_authenticated_users: true'),
      '3:5 error unknown key `allow_any_authenticated_users`; did you mean `allow_any_authenticated_user`?',
    ],
    ['redis: { hots: x, host: localhost }', '1:10 error unknown key `hots`; did you mean `host`?'],
    [
      'grpc_tls: { cert_file: x, certificate_file: a, key_file: b, client_ca_file: c }',
      '1:13 error unknown key `cert_file`',
    ],
    ['idps: { a: { client_id: x, url: "https://x", secret: y } }', '1:46 error unknown key `secret`'],
    ['idps: [{ name: a, client_id: x, url: "https://x", secret: y }]', '1:51 error unknown key `secret`'],
    [
      '<<: { a: 1 }',
      '1:1 error merge keys (`<<`) are not supported: use an alias for a whole value, or repeat the keys',
    ],
    ['__proto__: { a: 1 }', '1:1 error unknown key `__proto__`'],
    ['toString: 1', '1:1 error unknown key `toString`'],
    ['"a\\u001b[31mb": 1', '1:1 error unknown key `a?[31mb`'],
    [`${'k'.repeat(200)}: 1`, `1:1 error unknown key \`${'k'.repeat(64)}...\``],
  ])('%j', async (yaml, line) => {
    expect(await told(yaml)).toContain(line);
  });
});

describe('wrong values', () => {
  test.each([
    [
      'cookie_name: 5',
      '1:14 error `cookie_name` must be 1 to 64 letters, digits and `_-.`, without `__Host-`, which Doorward puts in front of it',
    ],
    [
      'cookie_name: __Host-x',
      '1:14 error `cookie_name` must be 1 to 64 letters, digits and `_-.`, without `__Host-`, which Doorward puts in front of it',
    ],
    [
      'cookie_name: "a b"',
      '1:14 error `cookie_name` must be 1 to 64 letters, digits and `_-.`, without `__Host-`, which Doorward puts in front of it',
    ],
    [
      'cookie_name: "a=b"',
      '1:14 error `cookie_name` must be 1 to 64 letters, digits and `_-.`, without `__Host-`, which Doorward puts in front of it',
    ],
    ['cookie_name:', '1:1 error `cookie_name` has no value: give it one, or remove the key'],
    [
      'cookie_secure: false',
      '1:16 error `cookie_secure` must be true: the session cookie of an https route goes over https only',
    ],
    ['cookie_http_only: false', '1:19 error `cookie_http_only` must be true: no script may read the session cookie'],
    ['cookie_same_site: lacks', '1:19 error `cookie_same_site` must be lax, strict or none'],
    ['cookie_same_site: lix', '1:19 error `cookie_same_site` must be lax, strict or none; did you mean `lax`?'],
    [
      'cookie_expire: soon',
      '1:16 error `cookie_expire` must be a duration such as 30s, 90m or 14h, or a number of seconds',
    ],
    ['cookie_expire: 0s', '1:16 error `cookie_expire` must be more than zero and at most ten years'],
    [
      'cookie_expire: -5',
      '1:16 error `cookie_expire` must be a duration such as 30s, 90m or 14h, or a number of seconds',
    ],
    [
      'session_lifetime: [1]',
      '1:19 error `session_lifetime` must be a duration such as 30s, 90m or 14h, or a number of seconds',
    ],
    ['pass_identity_headers: "yes"', '1:24 error `pass_identity_headers` must be true or false'],
    ['policy_semantics: strikt', '1:19 error `policy_semantics` must be strict or pomerium; did you mean `strict`?'],
    ['trusted_proxies: [10.0.0.0/8, 5]', '1:31 error `trusted_proxies[1]` must be text that is not empty'],
    ['trusted_proxies: { a: b }', '1:18 error `trusted_proxies` must be a list of texts'],
    ['jwt_claims_headers: { "X Y": email }', '1:23 error `jwt_claims_headers` must have header names as keys'],
    ['jwt_claims_headers: { X-Email: 5 }', '1:32 error `jwt_claims_headers.X-Email` must be the name of a claim'],
    [
      'jwt_claims_headers: 5',
      '1:21 error `jwt_claims_headers` must be a map of header names to claims, or a list of claims',
    ],
    ['cookie_secret_file: []', '1:21 error `cookie_secret_file` must be text, or a list of texts that is not empty'],
    [
      'bearer_token_format: jwt',
      '1:22 error `bearer_token_format` must be default: Doorward does not read bearer tokens yet, so another format would refuse nobody',
    ],
    [
      'runtime_flags: { match_any_incoming_port: false }',
      '1:43 error `runtime_flags.match_any_incoming_port` must be true: Doorward matches routes by host, whatever the port',
    ],
    [
      'idps: [{ client_id: x, url: "https://x", name: "A B" }]',
      '1:48 error `idps[0].name` must be lower-case letters, digits, `-` and `_`',
    ],
    [
      'idps: { "A B": { client_id: x, url: "https://x" } }',
      '1:9 error `idps` must have names of lower-case letters, digits, `-` and `_` as keys',
    ],
    ['idps: { a: { url: "https://x" } }', '1:12 error `client_id` is missing'],
    ['idps: x', '1:7 error `idps` must be a list of identity providers, or a map of names to them'],
    ['idps: { a: x }', '1:12 error `idps.a` must be a map of keys'],
    ['workers: many', '1:10 error `workers` must be auto or a whole number from 1 to 256'],
    ['workers: 0', '1:10 error `workers` must be auto or a whole number from 1 to 256'],
    ['workers: 1.5', '1:10 error `workers` must be auto or a whole number from 1 to 256'],
    ['checks_in_flight_max: 0', '1:23 error `checks_in_flight_max` must be a whole number from 1 to 1000000'],
    ['redis: { host: h, port: 99999 }', '1:25 error `redis.port` must be a whole number from 1 to 65535'],
    ['redis: x', '1:8 error `redis` must be a map of keys'],
    [
      'audit: { destination: 5 }',
      '1:23 error `audit.destination` must be text that is not empty (put numbers and yes or no in quotes)',
    ],
    ['routes: x', '1:9 error `routes` must be a list of routes'],
    ['routes: [x]', '1:10 error a route must be a map of keys'],
    ['routes: [{ prefix: / }]', '1:10 error `from` is missing'],
    [route('allowed_users: [1]'), '3:21 error `allowed_users[0]` must be text that is not empty'],
    [route('regex: 5'), '3:12 error `regex` must be text that is not empty (put numbers and yes or no in quotes)'],
    [route('policy: allow'), '3:13 error `policy` must be a policy: a list of rules with `allow` and `deny`'],
    [
      route('relax: [encoded_slash, dots]'),
      '3:28 error `relax[1]` must be one of encoded_slash, double_slash, dot_segments, backslash, non_ascii',
    ],
    [route('on_unauthenticated: 403'), '3:25 error `on_unauthenticated` must be auto, redirect or 401'],
    [route('labels: { tier: 1 }'), '3:21 error `labels.tier` must be text (put numbers and yes or no in quotes)'],
    [route('set_request_headers: { "X:Y": a }'), '3:28 error `set_request_headers` must have header names as keys'],
    [
      route('set_request_headers: { X: 1 }'),
      '3:31 error `set_request_headers.X` must be text without line breaks and control characters',
    ],
    [route('idp: []'), '3:10 error `idp` must be a list of texts that is not empty'],
    [route('idp: " , "'), '3:10 error `idp` must be a list of texts that is not empty'],
    [route('remove_request_headers: ["X A"]'), '3:30 error `remove_request_headers[0]` must be a header name'],
    [
      route('set_request_headers: { X: "a\\r\\nY: b" }'),
      '3:31 error `set_request_headers.X` must be text without line breaks and control characters',
    ],
    [
      route('allowed_idp_claims: [a]'),
      '3:25 error `allowed_idp_claims` must be a map of claims to the values that are accepted',
    ],
    [
      route('bearer_token_format: idp_access_token'),
      '3:26 error `bearer_token_format` must be default: Doorward does not read bearer tokens yet, so another format would refuse nobody',
    ],
    [
      route('enable_google_cloud_serverless_authentication: true'),
      '3:52 error `enable_google_cloud_serverless_authentication` must be false: Doorward does not fetch Google ID tokens for the application',
    ],
    [route('session_lifetime: 99999d'), '3:23 error `session_lifetime` must be more than zero and at most ten years'],
  ])('%j', async (yaml, line) => {
    const lines = await told(yaml);
    expect(lines.filter((one) => !one.includes(' warning '))).toEqual([line]);
  });

  test.each(['[]', '"text"', '5', 'true'])('a file that is %s is no configuration', async (yaml) => {
    expect(linesOf(await load(yaml))).toEqual(['1:1 error the file must be a map of keys']);
  });
});

test('everything that is wrong is told at once, in the order of the file', async () => {
  const yaml = `cookie_secret: short
shared_secret: \${NOT_SET}
routs: []
routes:
  - from: https://a.example.com
    to: http://upstream
    polcy: []
    allowed_users: [1, a]
    allow_public_unauthenticated_access: true
    allow_any_authenticated_user: true
    session_lifetime: 20h
  - prefix: /x
    mcp: {}
workers: 4
grpc_address: 0.0.0.0:50051
log_level: wran
idps:
  corp: { client_id: x, prvider: google }
  other: { client_id: x, provider: googl }
policy_file: x
signing_key_file: missing.pem
`;
  expect(linesOf(await load(yaml))).toEqual([
    '1:16 error `cookie_secret` must be 32 bytes in base64, or random text of at least 32 characters: make one with `openssl rand -base64 32`',
    '2:16 error the environment variable NOT_SET is not set',
    '3:1 error unknown key `routs`; did you mean `routes`?',
    '6:5 notice `to` belongs to Envoy, and has no effect here',
    '7:5 error unknown key `polcy`; did you mean `policy`?',
    '8:21 error `allowed_users[0]` must be text that is not empty',
    '10:35 error `allow_any_authenticated_user` has no meaning beside `allow_public_unauthenticated_access`',
    '11:23 error `session_lifetime` is longer than the global `session_lifetime`',
    '12:5 error `from` is missing',
    '13:5 error `mcp` is not applied: Doorward does not serve MCP routes yet',
    '14:10 error `workers` above 1 needs Redis: the memory store lives in one process',
    '15:15 error `grpc_address` can be reached by others: it needs `grpc_tls`, or `grpc_insecure: true` inside a mesh that encrypts and a network policy',
    '16:12 error `log_level` must be debug, info, warn or error; did you mean `warn`?',
    '18:25 error unknown key `prvider`; did you mean `provider`?',
    '19:36 error `provider` must be one of oidc, auth0, azure, cognito, okta, onelogin, ping, gitlab, google; did you mean `google`?',
    '20:1 error `policy_file` is not applied: list the routes in this file',
    '21:19 error `signing_key_file`: the file does not exist',
  ]);
});

test('what stands behind an alias is told once, where it is written', async () => {
  const yaml = 'routes:\n  - &r { from: "https://${NOPE}.example.com", polcy: [] }\n  - *r\n  - *r';
  expect((await told(yaml)).filter((line) => line.includes(' error '))).toEqual([
    '2:16 error the environment variable NOPE is not set',
    '2:47 error unknown key `polcy`; did you mean `policy`?',
  ]);
});

test('faults of the policy list and of the routes list are both placed', async () => {
  const yaml =
    'policy:\n  - { from: "https://a.example.com", prefx: / }\nroutes:\n  - { from: "https://b.example.com", prefx: / }';
  expect((await told(yaml)).filter((line) => line.includes(' error '))).toEqual([
    '2:38 error unknown key `prefx`; did you mean `prefix`?',
    '4:38 error unknown key `prefx`; did you mean `prefix`?',
  ]);
});
