import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import * as keys from './keys.ts';
import { COOKIE_SECRET, linesOf, load, loaded, loadedWith, ROUTES, SECRETS, SHARED_SECRET, told } from './support.ts';

const OTHER = 'Jd83kQm0ZpXw7vB2tYh5Lr9EcSu4GfA6oWn1CiTKq+s=';

const block = (value: string): string => `|\n${value.replaceAll(/^/gm, '  ')}`;

describe('rotation', () => {
  test('a list makes with its first and opens with all', async () => {
    const { access } = await loaded(
      `cookie_secret: [${COOKIE_SECRET}, ${OTHER}]\nshared_secret_file: [new, old]\nsigning_key:\n${[
        keys.EC_KEY,
        keys.ED_KEY,
      ]
        .map((key) => `  - |\n${key.trimEnd().replaceAll(/^/gm, '    ')}`)
        .join('\n')}\n${ROUTES}`,
      { files: { new: `${OTHER}\n`, old: `${SHARED_SECRET}\r\n` } },
    );
    expect(access.cookie_secret).toEqual([COOKIE_SECRET, OTHER]);
    expect(access.shared_secret).toEqual([OTHER, SHARED_SECRET]);
    expect(access.signing_key).toEqual([keys.EC_KEY, keys.ED_KEY]);
  });

  test('each file that was read is there to be watched, with the digest of its content', async () => {
    const { files } = await loadedWith('signing_key_file: [a.pem, /b.pem]', {
      files: { 'a.pem': keys.EC_KEY, '/b.pem': keys.RSA_KEY },
    });
    expect(files.map(({ path }) => path)).toEqual(['/etc/doorward/doorward.yaml', '/etc/doorward/a.pem', '/b.pem']);
    for (const { digest } of files) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('files that could not be read are there too, so that their coming is seen', async () => {
    const result = await load(`${SECRETS}${ROUTES}signing_key_file: later.pem`);
    expect(!result.ok && result.error.files).toEqual([
      { path: '/etc/doorward/doorward.yaml', digest: expect.any(String) },
      { path: '/etc/doorward/later.pem', digest: undefined },
    ]);
  });
});

describe('signing keys', () => {
  test.each(Object.entries({ EC: keys.EC_KEY, Ed25519: keys.ED_KEY, RSA: keys.RSA_KEY, SEC1: keys.SEC1_KEY }))(
    '%s: PEM, base64 of PEM, and several in one text',
    async (_, key) => {
      const base64 = Buffer.from(key).toString('base64');
      expect((await loadedWith(`signing_key: ${block(key)}`)).access.signing_key).toEqual([key]);
      expect((await loadedWith(`signing_key: ${base64}`)).access.signing_key).toEqual([key]);
      expect(
        (await loadedWith('signing_key_file: k', { files: { k: `# mine\n${key}${keys.EC_KEY_2}` } })).access
          .signing_key,
      ).toEqual([key, keys.EC_KEY_2]);
    },
  );

  test('the name of a curve before the key is no key', async () => {
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const { access } = await loadedWith('signing_key_file: k', { files: { k: `${parameters}${keys.SEC1_KEY}` } });
    expect(access.signing_key).toEqual([keys.SEC1_KEY]);
  });

  test.each([
    ['text', 'must be a private key in PEM'],
    [Buffer.from('text').toString('base64'), 'must be a private key in PEM'],
    [keys.EC_KEY.slice(0, 100), 'must be a private key in PEM'],
    [keys.PUBLIC_KEY, 'must be a private key: this PEM is something else'],
    [keys.ENCRYPTED_KEY, 'is encrypted: Doorward has no way to ask for its passphrase'],
    [keys.LEGACY_ENCRYPTED_KEY, 'is encrypted: Doorward has no way to ask for its passphrase'],
    [keys.EC_KEY.replace(/\n(.{4})/, '\nAAAA'), 'is not a private key that can be read: the PEM is damaged'],
    [keys.SMALL_RSA_KEY, 'is an RSA key of less than 2048 bits'],
    [keys.P384_KEY, 'must be an EC P-256, Ed25519 or RSA key'],
    [keys.X25519_KEY, 'must be an EC P-256, Ed25519 or RSA key'],
  ])('%j', async (key, fault) => {
    expect(await told('signing_key_file: k', { files: { k: key } })).toEqual([`1:19 error \`signing_key\` ${fault}`]);
  });

  test('one bad key among good ones is told by its own place', async () => {
    expect(
      await told('signing_key_file: [a, b]', { files: { a: keys.EC_KEY, b: `${keys.ED_KEY}${keys.P384_KEY}` } }),
    ).toEqual(['1:23 error `signing_key` must be an EC P-256, Ed25519 or RSA key']);
  });
});

describe('what is wrong with a secret', () => {
  const lines = async (
    yaml: string,
    files: Record<string, string | Uint8Array> = {},
    env: Record<string, string> = {},
  ): Promise<readonly string[]> => linesOf(await load(`${yaml}\n${ROUTES}`, { files, env }));
  const shared = `shared_secret: ${SHARED_SECRET}`;
  const cookie = `cookie_secret: ${COOKIE_SECRET}`;
  const make = 'make one with `openssl rand -base64 32`';

  test.each([
    [shared, [`1:1 error \`cookie_secret\` is missing: ${make}`]],
    [cookie, [`1:1 error \`shared_secret\` is missing: ${make}`]],
    [
      `${cookie}\nshared_secret: short`,
      [`2:16 error \`shared_secret\` must be 32 bytes in base64, or random text of at least 32 characters: ${make}`],
    ],
    [
      `${shared}\ncookie_secret: [${COOKIE_SECRET}, short]`,
      [`2:63 error \`cookie_secret\` must be 32 bytes in base64, or random text of at least 32 characters: ${make}`],
    ],
    [`${shared}\ncookie_secret: 5`, ['2:16 error `cookie_secret` must be text, or a list of texts that is not empty']],
    [`${shared}\ncookie_secret: [5]`, ['2:17 error `cookie_secret[0]` must be text that is not empty']],
    [`${shared}\ncookie_secret:`, ['2:1 error `cookie_secret` has no value: give it one, or remove the key']],
    [`${shared}\ncookie_secret: \${UNSET}`, ['2:16 error the environment variable UNSET is not set']],
    [`${shared}\ncookie_secret: ["\${UNSET}"]`, ['2:17 error the environment variable UNSET is not set']],
    [`${shared}\ncookie_secret: \${WEAK}`, [`2:16 error \`cookie_secret\` can be guessed: ${make}`]],
    [
      `${shared}\ncookie_secret: \${BLANK}`,
      ['2:16 error `cookie_secret` must be text, or a list of texts that is not empty'],
    ],
    [
      `${shared}\ncookie_secrte: ${COOKIE_SECRET}`,
      [
        '1:1 error `cookie_secret` is missing: make one with `openssl rand -base64 32`',
        '2:1 error unknown key `cookie_secrte`; did you mean `cookie_secret`?',
      ],
    ],
    [`${shared}\ncookie_secret_file: none`, ['2:21 error `cookie_secret_file`: the file does not exist']],
    [`${shared}\ncookie_secret_file: folder`, ['2:21 error `cookie_secret_file`: the file is a directory']],
    [
      `${shared}\ncookie_secret_file: locked`,
      ['2:21 error `cookie_secret_file`: the file may not be read by this user'],
    ],
    [`${shared}\ncookie_secret_file: empty`, ['2:21 error `cookie_secret_file`: the file is empty']],
    [`${shared}\ncookie_secret_file: blank`, ['2:21 error `cookie_secret_file`: the file is empty']],
    [`${shared}\ncookie_secret_file: binary`, ['2:21 error `cookie_secret_file`: the file is not UTF-8 text']],
    [`${shared}\ncookie_secret_file: weak`, [`2:21 error \`cookie_secret\` can be guessed: ${make}`]],
    [
      `${shared}\ncookie_secret_file: 5`,
      ['2:21 error `cookie_secret_file` must be text, or a list of texts that is not empty'],
    ],
    [`${shared}\ncookie_secret_file: [good, none]`, ['2:28 error `cookie_secret_file`: the file does not exist']],
    [
      `${shared}\n${cookie}\ncookie_secret_file: good`,
      ['3:21 error `cookie_secret` and `cookie_secret_file` are both given: which one is meant?'],
    ],
  ])('%j', async (yaml, expected) => {
    const files = {
      folder: '!EISDIR',
      locked: '!EACCES',
      empty: '',
      blank: ' \n\n',
      binary: Uint8Array.of(0xff, 0xfe),
      weak: 'a'.repeat(64),
      good: OTHER,
    };
    expect(await lines(yaml, files, { WEAK: 'b'.repeat(64), BLANK: '' })).toEqual(expected);
  });
});

describe('what is told never holds a secret', () => {
  /** Would be found in any message, whole or cut. */
  const HUNTER = 'hunter2hunter2';
  const env = { HUNTER };

  const files = { good: COOKIE_SECRET, bad: HUNTER };
  const faulty = (key: string, value: unknown): string => stringify({ [key]: value });

  test.each([
    ...[
      'cookie_secret',
      'shared_secret',
      'signing_key',
      'idp_client_secret',
      'cookie_secret_file',
      'shared_secret_file',
      'signing_key_file',
      'idp_client_secret_file',
    ].flatMap((key) => [
      [faulty(key, HUNTER)],
      [faulty(key, [HUNTER, HUNTER])],
      [faulty(key, { a: HUNTER })],
      [faulty(key, '${HUNTER}')],
      [faulty(key, `\${${HUNTER}`)],
      [faulty(key, 'bad')],
    ]),
    [`redis: { url: "redis://u:${HUNTER}@:x/y" }`],
    [`redis: { url: "rediss://u:${HUNTER}%zz@h" }`],
    [`redis: { url: "${HUNTER}" }`],
    [`redis: { host: h, password: [${HUNTER}] }`],
    [`redis: { host: h, password_file: ${HUNTER} }`],
    [`redis: { url_file: bad }`],
    [`idps: { a: { client_id: x, url: "https://${HUNTER}:${HUNTER}@a" } }`],
    [`idps: { a: { client_id: x, url: "https://a", client_secret: 5, client_secret_file: ${HUNTER} } }`],
    [`cookie_secret: "${HUNTER}`],
    [`cookie_secret: ${HUNTER}: x`],
    [`cookie_secret: !x ${HUNTER}`],
    [`cookie_secret: *${HUNTER}`],
    [`cookie_secret: [${HUNTER}`],
    [`cookie_secret: @${HUNTER}`],
    [`log_level: ${HUNTER}`],
    [`workers: ${HUNTER}`],
    [`cookie_name: "${HUNTER} ="`],
    [`grpc_address: "${HUNTER}"`],
    [`routes: [{ from: "https://a", set_request_headers: { Authorization: [${HUNTER}] } }]`],
    [`grpc_tls: { certificate_file: ${HUNTER}, key_file: bad, client_ca_file: bad }`],
  ])('%j', async (yaml) => {
    const result = await load(`${yaml}\n${ROUTES}`, { env, files });
    expect(result.ok).toBe(false);
    expect(linesOf(result).length).toBeGreaterThan(0);
    expect(linesOf(result).join('\n')).not.toContain('hunter2');
  });
});

describe('the hash of the content', () => {
  const hash = async (yaml: string, env: Record<string, string> = {}): Promise<string> =>
    (await loadedWith(yaml, { env, files: { k: keys.EC_KEY, k2: keys.EC_KEY_2 } })).contentHash;
  const idp = (secret: string): string => `idps: { a: { client_id: x, url: "https://a", client_secret: ${secret} } }`;
  const header = (value: string): string => `routes: [{ from: "https://a", set_request_headers: { X: "${value}" } }]`;

  const records = (secret: string): string =>
    `records: { crm: { url: "https://a/rows", headers: { Authorization: ${secret} }, key: email, foreign_key: user.email } }`;

  test('is the same for files that decide alike, whatever their secrets and their form', async () => {
    expect(await hash('cookie_expire: 2h')).toBe(await hash('# two hours\nsession_lifetime: 7200'));
    expect(await hash(idp('one'))).toBe(await hash(idp('two')));
    expect(await hash('signing_key_file: k')).toBe(await hash('signing_key_file: k2'));
    expect(await hash(header('${TOKEN}'), { TOKEN: 'one' })).toBe(await hash(header('${TOKEN}'), { TOKEN: 'two' }));
    expect(await hash(records('one'))).toBe(await hash(records('two')));
    expect(await hash('log_level: debug')).toBe(await hash('log_level: info'));
  });

  test('differs where they decide differently', async () => {
    const hashes = await Promise.all(
      ['', 'cookie_expire: 2h', header('a'), header('b'), idp('x'), 'policy_semantics: pomerium'].map((yaml) =>
        hash(yaml),
      ),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
