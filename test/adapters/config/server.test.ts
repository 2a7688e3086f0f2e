import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { ENCRYPTED_KEY, EC_KEY } from './keys.ts';
import { loadedWith, told } from './support.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Filled before the tests: `ca`, `crt`, `key`, `bundle`, and what is wrong with some. */
const files: Record<string, string> = {};
beforeAll(() => {
  const ca = createCertificateAuthority(folder);
  const leaf = ca.issue('server', ['DNS:doorward']);
  files['ca'] = ca.cert;
  files['crt'] = leaf.cert;
  files['key'] = leaf.key;
  files['bundle'] = `${leaf.cert}${ca.cert}`;
  files['damaged'] = leaf.cert.replace(/\n(.{8})/, '\nAAAAAAAA');
  files['other-key'] = EC_KEY;
  files['locked-key'] = ENCRYPTED_KEY;
  files['text'] = 'text';
});

const TLS = 'certificate_file: crt, key_file: key, client_ca_file: ca';

describe('a process is told', () => {
  test('everything that its file says', async () => {
    const { server, files: read } = await loadedWith(
      `
grpc_address: "[::]:9000"
grpc_tls: { certificate_file: bundle, key_file: /abs/key, client_ca_file: ca, spiffe_ids: "spiffe://cluster.local/ns/edge/sa/envoy" }
ops_address: unix:/run/d/ops.sock
admin_socket: /run/d/admin.sock
redis:
  host: redis.example.com
  port: 6380
  database: 3
  username: doorward
  password_file: pw
  tls: { ca_file: ca, cert_file: crt, key_file: key, server_name: r.example.com }
  command_timeout: 250ms
  connect_timeout: 1s
  replicas: 2
  allow_eviction: true
workers: 4
log_level: warn
checks_in_flight_max: 100
audit: { destination: audit.log }
`,
      { files: { ...files, '/abs/key': files['key'] ?? '', pw: 'pass\n' } },
    );
    expect(server).toEqual({
      grpc_address: { kind: 'tcp', host: '::', port: 9000 },
      grpc_tls: {
        certificate_file: '/etc/doorward/bundle',
        key_file: '/abs/key',
        client_ca_file: '/etc/doorward/ca',
        spiffe_ids: ['spiffe://cluster.local/ns/edge/sa/envoy'],
      },
      grpc_insecure: false,
      ops_address: { kind: 'unix', path: '/run/d/ops.sock' },
      admin_socket: '/run/d/admin.sock',
      session_store: 'redis',
      redis: {
        where: { kind: 'server', host: 'redis.example.com', port: 6380 },
        database: 3,
        username: 'doorward',
        password: 'pass',
        tls: {
          ca_file: '/etc/doorward/ca',
          cert_file: '/etc/doorward/crt',
          key_file: '/etc/doorward/key',
          server_name: 'r.example.com',
        },
        command_timeout_ms: 250,
        connect_timeout_ms: 1000,
        replicas: 2,
        allow_eviction: true,
      },
      workers: 4,
      log_level: 'warn',
      checks_in_flight_max: 100,
      audit: { destination: '/etc/doorward/audit.log' },
    });
    expect(read.map(({ path }) => path).sort()).toEqual(
      [
        '/abs/key',
        ...['bundle', 'ca', 'crt', 'doorward.yaml', 'key', 'pw'].map((file) => `/etc/doorward/${file}`),
      ].sort(),
    );
  });

  test.each([
    [
      'redis://127.0.0.1',
      {
        where: { kind: 'server', host: '127.0.0.1', port: 6379 },
        database: 0,
        username: undefined,
        password: undefined,
        tls: undefined,
      },
    ],
    ['redis://[::1]:7000/2', { where: { host: '::1', port: 7000 }, database: 2 }],
    [
      'rediss://u:p%40ss@h.example.com/',
      {
        where: { host: 'h.example.com' },
        username: 'u',
        password: 'p@ss',
        tls: { ca_file: undefined, cert_file: undefined, key_file: undefined, server_name: undefined },
      },
    ],
    ['rediss://:p@h', { username: undefined, password: 'p' }],
  ])('where Redis is by %s', async (url, expected) => {
    expect((await loadedWith(`redis: { url: "${url}" }`)).server.redis).toMatchObject(expected);
    expect((await loadedWith('redis: { url_file: u }', { files: { u: `${url}\n` } })).server.redis).toMatchObject(
      expected,
    );
  });

  test('where the sentinels are, and that theirs is apart from what Redis is asked with', async () => {
    const { server } = await loadedWith(
      `
redis:
  sentinels:
    nodes: [s1, "s2:26380", "[::1]:26381"]
    master_name: main
    username: watcher
    password_file: pw
    tls: { ca_file: ca, server_name: s.example.com }
  username: doorward
  password: of-redis
  database: 3
  tls: { ca_file: bundle }
  replicas: 2
`,
      { files: { ...files, pw: 'of-sentinels\n' } },
    );
    expect(server.redis).toMatchObject({
      where: {
        kind: 'sentinels',
        nodes: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26380 },
          { host: '::1', port: 26381 },
        ],
        master_name: 'main',
        username: 'watcher',
        password: 'of-sentinels',
        tls: { ca_file: '/etc/doorward/ca', server_name: 's.example.com' },
      },
      database: 3,
      username: 'doorward',
      password: 'of-redis',
      tls: { ca_file: '/etc/doorward/bundle' },
      replicas: 2,
      allow_eviction: false,
    });
  });

  test('nodes of a Cluster', async () => {
    const { server } = await loadedWith('redis: { cluster: { nodes: [r1, "127.0.0.1:7001"] }, tls: {}, replicas: 1 }');
    expect(server.redis?.where).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'r1', port: 6379 },
        { host: '127.0.0.1', port: 7001 },
      ],
    });
  });

  test('the password of Redis from the environment', async () => {
    const { server } = await loadedWith('redis: { host: localhost, password: "${PW}" }', { env: { PW: 'secret' } });
    expect(server.redis?.password).toBe('secret');
  });

  test('as many workers as it can have', async () => {
    const workers = async (yaml: string): Promise<number> => (await loadedWith(yaml, { processors: 8 })).server.workers;
    expect(await workers('workers: auto')).toBe(1);
    expect(await workers('workers: 1')).toBe(1);
    expect(await workers('workers: auto\nredis: { host: localhost }')).toBe(8);
    expect(await workers('redis: { host: localhost }')).toBe(8);
    expect(await workers('workers: 3\nredis: { host: localhost }')).toBe(3);
    expect((await loadedWith('redis: { host: localhost }')).server.workers).toBeGreaterThanOrEqual(1);
  });

  test('where its admin socket is, or that it has none', async () => {
    const socket = async (yaml: string, env = {}): Promise<string | undefined> =>
      (await loadedWith(yaml, { env })).server.admin_socket;
    expect(await socket('')).toBe('/run/doorward/admin.sock');
    expect(await socket('', { XDG_RUNTIME_DIR: '/run/user/1' })).toBe('/run/user/1/doorward/admin.sock');
    expect(await socket('admin_socket: unix:/a')).toBe('/a');
    expect(await socket('admin_socket: "off"')).toBeUndefined();
  });
});

describe('the Check listener is open to others knowingly only', () => {
  const EXPOSED = /^1:15 error `grpc_address` can be reached by others/;

  test.each(['0.0.0.0:1', ':1', '[::]:1', '10.0.0.1:1', 'doorward:1', '[::ffff:127.0.0.1]:1'])(
    '%s needs a decision',
    async (address) => {
      expect(await told(`grpc_address: "${address}"`)).toEqual([expect.stringMatching(EXPOSED)]);
      expect(await told(`grpc_address: "${address}"\ngrpc_insecure: false`)).toEqual([expect.stringMatching(EXPOSED)]);
      expect(await told(`grpc_address: "${address}"\ngrpc_insecure: true`)).toEqual([]);
      expect(await told(`grpc_address: "${address}"\ngrpc_tls: { ${TLS} }`, { files })).toEqual([]);
    },
  );

  test.each(['127.0.0.1:1', 'localhost:1', '[::1]:1', 'unix:/run/x'])('%s does not', async (address) => {
    expect(await told(`grpc_address: "${address}"`)).toEqual([]);
  });
});

describe('the admin address', () => {
  const TOKEN = 'mZ7y2TQxJ4n8bVsK1dWc5hRgL9uPfE3oAqYi6XtN0Cw=';
  const all = (): Record<string, string> => ({ ...files, tokens: `alice ${TOKEN}\n`, empty: '\n', weak: 'short' });
  const at = (rest: string): Promise<readonly string[]> => told(rest, { files: all() });
  const OWN_TLS = 'certificate_file: crt, key_file: key';

  test('is told with what proves who asks there', async () => {
    const { server } = await loadedWith(
      `admin_address: "0.0.0.0:9903"\nadmin_token_file: tokens\nadmin_tls: { ${TLS}, client_names: "email:a@example.com" }`,
      { files: all() },
    );
    expect(server).toMatchObject({
      admin_address: { kind: 'tcp', host: '0.0.0.0', port: 9903 },
      admin_token_file: '/etc/doorward/tokens',
      admin_tls: { client_ca_file: '/etc/doorward/ca', client_names: ['email:a@example.com'] },
    });
  });

  test.each([
    ['admin_address: 127.0.0.1:1\nadmin_token_file: tokens'],
    [`admin_address: 127.0.0.1:1\nadmin_tls: { ${TLS} }`],
    [`admin_address: 10.0.0.1:1\nadmin_tls: { ${TLS} }`],
    [`admin_address: ":1"\nadmin_tls: { ${OWN_TLS} }\nadmin_token_file: tokens`],
  ])('%s will do', async (yaml) => {
    expect(await at(yaml)).toEqual([]);
  });

  test.each([
    ['admin_address: 127.0.0.1:1', '1:16 error `admin_address` needs `admin_token_file`, or `admin_tls` with'],
    [`admin_address: 127.0.0.1:1\nadmin_tls: { ${OWN_TLS} }`, '1:16 error `admin_address` needs `admin_token_file`'],
    ['admin_address: ":1"\nadmin_token_file: tokens', '1:16 error `admin_address` can be reached by other machines'],
    ['admin_address: host:1\nadmin_token_file: tokens', '1:16 error `admin_address` can be reached by other machines'],
    ['admin_address: unix:/x\nadmin_token_file: tokens', '1:16 error `admin_address` is `host:port`'],
    ['admin_token_file: tokens', '1:19 error `admin_token_file` needs `admin_address`'],
    ['admin_address: 127.0.0.1:1\nadmin_token_file: empty', '2:19 error `admin_token_file`: the file is empty'],
    [
      'admin_address: 127.0.0.1:1\nadmin_token_file: weak',
      '2:19 error `admin_token_file`: the file has a token that must',
    ],
    ['admin_address: 127.0.0.1:1\nadmin_token_file: none', '2:19 error `admin_token_file`: the file does not exist'],
    [
      'ops_address: 127.0.0.1:1\nadmin_address: 127.0.0.1:1\nadmin_token_file: tokens',
      '2:16 error `admin_address` must be an address of its own',
    ],
    [
      `admin_address: 127.0.0.1:1\nadmin_token_file: tokens\nadmin_tls: { ${OWN_TLS}, client_names: "email:a@b" }`,
      '3:66 error `admin_tls.client_names` needs `client_ca_file`',
    ],
    [
      `admin_address: 127.0.0.1:1\nadmin_tls: { ${TLS}, client_names: "CN=a" }`,
      '2:86 error `client_names` must be names of certificates',
    ],
    [
      'admin_address: 127.0.0.1:1\nadmin_tls: { certificate_file: crt, key_file: other-key, client_ca_file: ca }',
      '2:47 error `admin_tls.key_file`: the file has a key that does not belong',
    ],
  ])('%s is refused', async (yaml, problem) => {
    const [first, ...others] = await at(yaml);
    expect(first?.slice(0, problem.length)).toBe(problem);
    expect(others).toEqual([]);
  });
});

describe('what is wrong is told', () => {
  test.each([
    ['grpc_address: x', ['1:15 error `grpc_address` must be `host:port`, `[IPv6 address]:port` or `unix:/path`']],
    [
      'ops_address: unix:x',
      ['1:14 error `ops_address` must be an absolute path of a socket, such as `/run/doorward/check.sock`'],
    ],
    [
      'admin_socket: x',
      ['1:15 error `admin_socket` must be an absolute path of a socket, such as `/run/doorward/check.sock`'],
    ],
    [
      `admin_socket: /${'x'.repeat(120)}`,
      ['1:15 error `admin_socket` is longer than the 107 bytes that a socket path may have'],
    ],
    ['ops_address: 127.0.0.1:50051', ['1:14 error `ops_address` must not be the address of the Check listener']],
    [
      'grpc_address: 127.0.0.1:9000\nops_address: ":9000"',
      ['2:14 error `ops_address` must not be the address of the Check listener'],
    ],
    ['grpc_address: unix:/a\nadmin_socket: /a', ['2:15 error `admin_socket` must be a socket of its own']],
    ['grpc_address: 127.0.0.1:9000\nops_address: "[::1]:9000"', []],
    ['ops_address: unix:/a\ngrpc_address: 127.0.0.1:1', []],
    [
      `grpc_tls: { ${TLS}, spiffe_ids: [] }`,
      ['1:83 error `grpc_tls.spiffe_ids` must be a list of texts that is not empty'],
    ],
    [
      'grpc_address: unix:/a\nops_address: unix:///a',
      ['2:14 error `ops_address` must not be the address of the Check listener'],
    ],
    [
      `grpc_tls: { ${TLS} }\ngrpc_insecure: true`,
      ['2:16 error `grpc_insecure` contradicts `grpc_tls`: which one is meant?'],
    ],
    [
      'grpc_address: ":1"\ngrpc_tls: {}',
      [
        '2:11 error `certificate_file` is missing',
        '2:11 error `key_file` is missing',
        '2:11 error `client_ca_file` is missing',
      ],
    ],
    [
      'grpc_tls: { certificate_file: none, key_file: none, client_ca_file: none }',
      [
        '1:31 error `grpc_tls.certificate_file`: the file does not exist',
        '1:47 error `grpc_tls.key_file`: the file does not exist',
        '1:69 error `grpc_tls.client_ca_file`: the file does not exist',
      ],
    ],
    [
      'grpc_tls: { certificate_file: key, key_file: crt, client_ca_file: text }',
      [
        '1:31 error `grpc_tls.certificate_file`: the file has no certificate in PEM',
        '1:46 error `grpc_tls.key_file`: the file has no private key in PEM that can be read',
        '1:67 error `grpc_tls.client_ca_file`: the file has no certificate in PEM',
      ],
    ],
    [
      'grpc_tls: { certificate_file: damaged, key_file: locked-key, client_ca_file: ca }',
      [
        '1:31 error `grpc_tls.certificate_file`: the file has a damaged certificate',
        '1:50 error `grpc_tls.key_file`: the file has an encrypted key, whose passphrase nobody can give',
      ],
    ],
    [
      'grpc_tls: { certificate_file: crt, key_file: other-key, client_ca_file: ca }',
      ['1:46 error `grpc_tls.key_file`: the file has a key that does not belong to the certificate'],
    ],
    [
      `grpc_tls: { ${TLS}, spiffe_ids: [edge] }`,
      ['1:84 error `spiffe_ids` must be SPIFFE IDs such as spiffe://cluster.local/ns/edge/sa/envoy'],
    ],
    [
      `grpc_tls: { ${TLS}, spiffe_ids: edge }`,
      ['1:83 error `spiffe_ids` must be SPIFFE IDs such as spiffe://cluster.local/ns/edge/sa/envoy'],
    ],
    [
      'grpc_tls: { certificate_file: "${NO}", key_file: key, client_ca_file: ca }',
      ['1:31 error the environment variable NO is not set'],
    ],
    ['session_store: redis', ['1:1 error `session_store: redis` needs `redis`, which says where it is']],
    [
      'session_store: memory\nredis: { host: localhost }',
      ['1:16 error `session_store: memory` contradicts `redis`: which one is meant?'],
    ],
    ['session_store: redis\nredis: x', ['2:8 error `redis` must be a map of keys']],
    ['redis: {}', ['1:8 error `redis` needs `host`, `url`, `sentinels` or `cluster`']],
    [
      'redis: { url: 5 }',
      ['1:15 error `redis.url` must be text that is not empty (put numbers and yes or no in quotes)'],
    ],
    [
      'redis: { url: "http://h" }',
      ['1:15 error `redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0'],
    ],
    [
      'redis: { url: "redis://h/x" }',
      ['1:15 error `redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0'],
    ],
    [
      'redis: { url: "redis://h?x=y" }',
      ['1:15 error `redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0'],
    ],
    [
      'redis: { url: "redis://%zz@h" }',
      ['1:15 error `redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0'],
    ],
    [
      'redis: { url: h }',
      ['1:15 error `redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0'],
    ],
    ['redis: { url_file: none }', ['1:20 error `url_file`: the file does not exist']],
    [
      'redis: { url: "redis://127.0.0.1", port: 1, password_file: text }',
      [
        '1:42 error `redis.port` contradicts `redis.url`, which says it all',
        '1:60 error `redis.password_file` contradicts `redis.url`, which says it all',
      ],
    ],
    [
      'redis: { url: "redis://127.0.0.1", tls: {} }',
      ['1:41 error `redis.tls` contradicts `redis.url`: write `rediss:` for TLS'],
    ],
    ['redis: { host: h, tls: { cert_file: crt } }', ['1:24 error `redis.tls.key_file` is missing']],
    ['redis: { host: h, tls: { key_file: key } }', ['1:24 error `redis.tls.cert_file` is missing']],
    [
      'redis: { host: h, tls: { ca_file: text, cert_file: crt, key_file: other-key } }',
      [
        '1:35 error `redis.tls.ca_file`: the file has no certificate in PEM',
        '1:67 error `redis.tls.key_file`: the file has a key that does not belong to the certificate',
      ],
    ],
    [
      'redis: { host: h, cluster: { nodes: [127.0.0.1] }, sentinels: { nodes: [127.0.0.1], master_name: m }, tls: {}, replicas: 1 }',
      [
        '1:16 error `redis.host` contradicts `redis.sentinels`: which one is meant?',
        '1:28 error `redis.cluster` contradicts `redis.sentinels`: which one is meant?',
      ],
    ],
    [
      'redis: { cluster: { nodes: ["127.0.0.1:0"] }, database: 1, replicas: 1 }',
      [
        '1:29 error `redis.cluster.nodes` must be addresses like host:6379',
        '1:57 error `redis.database` must be 0: a Cluster has no other',
      ],
    ],
    ['redis: { cluster: { nodes: [] } }', ['1:28 error `redis.cluster.nodes` must be a list of 1 to 100 addresses']],
    [
      'redis: { sentinels: { nodes: ["[::1", "redis://h", "::1"], master_name: m }, replicas: 1 }',
      [
        '1:31 error `redis.sentinels.nodes` must be addresses like host:26379',
        '1:39 error `redis.sentinels.nodes` must be addresses like host:26379',
        '1:52 error `redis.sentinels.nodes` must be addresses like host:26379',
      ],
    ],
    [
      'redis: { sentinels: { nodes: [127.0.0.1], master_name: m, tls: { cert_file: crt } }, replicas: 1 }',
      ['1:64 error `redis.sentinels.tls.key_file` is missing'],
    ],
    [
      'redis: { cluster: { nodes: [127.0.0.1] } }',
      [
        '1:19 warning without `redis.replicas` a revocation waits for the replicas that are connected only: one that is cut off and promoted later would not have it',
      ],
    ],
    [
      'redis: { sentinels: { nodes: [s1], master_name: m }, tls: {}, replicas: 1 }',
      ['1:8 warning what passes between Doorward and Redis is not encrypted: `redis.sentinels.tls` would do so'],
    ],
    ['redis: { host: localhost, command_timeout: 5m }', ['1:44 error `redis.command_timeout` must be from 1ms to 60s']],
    [
      'redis: { host: localhost, connect_timeout: 0.0001 }',
      ['1:44 error `redis.connect_timeout` must be from 1ms to 60s'],
    ],
    [
      'redis: { host: redis.example.com }',
      ['1:8 warning what passes between Doorward and Redis is not encrypted: `redis.tls` would do so'],
    ],
    ['workers: 2', ['1:10 error `workers` above 1 needs Redis: the memory store lives in one process']],
    [
      'workers: 2\nsession_store: memory',
      ['1:10 error `workers` above 1 needs Redis: the memory store lives in one process'],
    ],
    ['workers: 2\nredis: x', ['2:8 error `redis` must be a map of keys']],
  ])('%j', async (yaml, lines) => {
    expect(await told(yaml, { files })).toEqual(lines);
  });
});

test('the fixtures are what they say', () => {
  expect(readFileSync(folder.file('server.crt'), 'utf8')).toBe(files['crt']);
});
