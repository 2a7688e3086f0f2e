import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';

import { importPomeriumCommand } from '../../src/cli/import-pomerium.ts';
import { checkedConfig } from '../../src/compose/checked-config.ts';
import { importPomerium, writeNewFile } from '../../src/compose/import-pomerium.ts';
import { COOKIE_SECRET, SHARED_SECRET } from '../adapters/config/support.ts';
import { EC_KEY } from '../adapters/config/keys.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const FIXTURES = join(PROJECT_ROOT, 'test/fixtures/pomerium');
for (const name of readdirSync(FIXTURES)) copyFileSync(join(FIXTURES, name), folder.file(name));
mkdirSync(folder.file('secrets'));
mkdirSync(folder.file('out'));
writeFileSync(folder.file('secrets/shared'), SHARED_SECRET);
writeFileSync(folder.file('secrets/signing.pem'), EC_KEY);
writeFileSync(folder.file('secrets/idp'), 'the-client-secret');
writeFileSync(folder.file('secrets/token'), 'the-service-account-token');

const env = { COOKIE_SECRET, SHARED_SECRET, IDP_CLIENT_SECRET: 'the-client-secret' };

const FORMS = `idp_provider: oidc
idp_provider_url: https://idp.corp.example
idp_client_id: doorward
idp_client_secret: \${IDP_CLIENT_SECRET}
cookie_secret: \${COOKIE_SECRET}
shared_secret: \${SHARED_SECRET}
routes:
  - from: https://wiki.corp.example
    to: http://wiki:80
    timeout: 0777
    policy:
      allow:
        or:
          - claim/a:           0777
          - claim/b:            1_000
          - claim/c: { has: "0b1", is:   0b101 }
          - claim/d:            2026-1-31
          - claim/e: "0777"
          - claim/d:            2026-01-31 10:00:00
          - claim/f: as-written-0777
          - claim/f: 2026-01-31T10:00:00Z
          - claim/f: 0x1F
`;

type Told = { readonly code: number; readonly lines: readonly string[] };

async function run(name: string, target?: string, output: 'text' | 'json' = 'text'): Promise<Told> {
  let text = '';
  const code = await importPomeriumCommand({
    file: name,
    load: () => importPomerium({ configFile: folder.file(name), env }),
    write: (more) => (text += more),
    output,
    color: false,
    target: target === undefined ? undefined : folder.file(target),
    save: writeNewFile,
  });
  return { code, lines: text.trimEnd().split('\n') };
}

/** Without the name of the file. */
const told = async (name: string): Promise<Told> => {
  const { code, lines } = await run(name);
  return { code, lines: lines.map((line) => line.replace(`${name}:`, '')) };
};

describe('doorward import pomerium says what becomes of each key', () => {
  test('of a file of one process, with the older name of the list of routes', async () => {
    const { code, lines } = await told('all-in-one.yaml');
    expect(code).toBe(0);
    expect(lines).toEqual(
      expect.arrayContaining([
        '2:1: address: belongs to Envoy',
        '13:1: shared_secret_file: applies',
        '17:1: databroker_storage_type: ignored: `session_store` and `redis` say where sessions are kept',
        '21:1: policy: applies',
        '29:5: cors_allow_preflight: applies',
      ]),
    );
    expect(lines.slice(-2)).toEqual(['21 applied, 9 for Envoy, 2 ignored, 0 refused', 'ok: 3 routes']);
  });

  test('of routes with policies', async () => {
    const { code, lines } = await told('many-routes.yaml');
    expect(code).toBe(0);
    expect(lines).toEqual(
      expect.arrayContaining([
        '12:5: lb_policy: applies',
        '13:5: health_checks: belongs to Envoy',
        '37:5: policy: applies',
      ]),
    );
    expect(lines.at(-1)).toBe('ok: 4 routes');
  });

  test('routes of tunnels are left out', async () => {
    const { code, lines } = await told('tunnels.yaml');
    expect(code).toBe(0);
    const why = 'ignored: Doorward judges HTTP requests, so this route is left out, and nobody gets in by it';
    expect(lines).toEqual(
      expect.arrayContaining([
        `13:5: from: ${why}`,
        `19:5: policy: ${why}`,
        `23:5: allow_any_authenticated_user: ${why}`,
      ]),
    );
    expect(lines.at(-1)).toBe('ok: 1 route');
  });

  test('client certificates are applied', async () => {
    const { code, lines } = await told('mtls.yaml');
    expect(code).toBe(0);
    expect(lines).toContain('8:1: downstream_mtls: applies');
  });

  test('what restricts and is not applied, and what nobody knows, is refused, each with its mend where there is one', async () => {
    const { code, lines } = await told('unknown-key.yaml');
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes(': refused'))).toEqual([
      '7:1: identity_providers: refused: `identity_providers` is not applied: Doorward does not read bearer tokens yet',
      '12:5: allowed_groups: refused: `allowed_groups` is not applied: use the `claim/groups` criterion under `policy`',
      '13:5: waf_mode: refused: unknown key `waf_mode`',
      '14:5: policy: refused: there is no criterion `pomerium_routes`',
    ]);
    expect(lines.at(-1)).toBe(
      'not usable: what is refused would restrict access, or cannot be read; nothing was written',
    );
  });

  test('a route to Kubernetes in users’ names is refused', async () => {
    const { code, lines } = await told('kubernetes.yaml');
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes(': refused'))).toEqual([
      expect.stringMatching(/^14:5: kubernetes_service_account_token_file: refused: .*trust the identity provider/),
    ]);
    expect(lines.join()).not.toContain('the-service-account-token');
  });

  test('a typing error, and what is missing', async () => {
    const { code, lines } = await told('typo.yaml');
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes(': refused'))).toEqual([
      '10:5: allowed_user: refused: unknown key `allowed_user`; did you mean `allowed_users`?',
      '11:5: from: refused: `from` is missing',
    ]);
  });

  test('where the two semantics could decide differently, it is noted at the key', async () => {
    const yaml = readFileSync(folder.file('tunnels.yaml'), 'utf8').replace(
      'allow_any_authenticated_user: true',
      'policy: [{ allow: { not: [{ email: x@y.example }] } }]',
    );
    writeFileSync(folder.file('negative.yaml'), yaml);
    const { code, lines } = await told('negative.yaml');
    expect(code).toBe(0);
    expect(lines.some((line) => line.startsWith('12:5: policy: note: '))).toBe(true);
  });

  test('what other readers of YAML read otherwise is noted where it stands', async () => {
    writeFileSync(folder.file('forms.yaml'), FORMS);
    const { code, lines } = await told('forms.yaml');
    expect(code).toBe(0);
    expect(lines.filter((line) => line.includes('other readers')).map((line) => line.slice(0, 80))).toEqual([
      expect.stringMatching(/^11:5: policy: note: 14:32: a number with a leading zero is decimal here/),
      expect.stringMatching(/^11:5: policy: note: 15:33: a text here, and a number to other readers/),
      expect.stringMatching(/^11:5: policy: note: 16:42: a text here, and a number/),
      expect.stringMatching(/^11:5: policy: note: 17:33: a text here, and a time/),
      expect.stringMatching(/^11:5: policy: note: 19:33: a text here, and a time/),
    ]);
    expect(lines.join()).not.toContain('0777');
  });

  test('a file that is no YAML, and one that is not there', async () => {
    writeFileSync(folder.file('broken.yaml'), 'routes: [');
    const broken = await run('broken.yaml');
    expect(broken.code).toBe(2);
    expect(broken.lines[0]).toMatch(/broken\.yaml:1:\d+: error: /);
    const absent = await run('absent.yaml');
    expect(absent.code).toBe(2);
    expect(absent.lines[0]).toMatch(/absent\.yaml:1:1: error: the file does not exist$/);
  });

  test('as JSON', async () => {
    const { code, lines } = await run('mtls.yaml', undefined, 'json');
    expect(code).toBe(0);
    expect(JSON.parse(lines.join('\n'))).toMatchObject({
      ok: true,
      routes: 1,
      counts: { applies: 11, envoy: 1, ignored: 0, refused: 0 },
      keys: expect.arrayContaining([
        { line: 16, column: 5, key: 'to', route: 'https://vault.corp.example', verdict: 'envoy' },
      ]) as unknown,
    });
  });
});

describe('--write', () => {
  test.each(['all-in-one', 'many-routes', 'tunnels', 'mtls'])(
    '%s: the file loads as doorward check loads it',
    async (name) => {
      const target = `out/${name}.yaml`;
      const { code, lines } = await run(`${name}.yaml`, target);
      expect(code).toBe(0);
      expect(lines.at(-1)).toBe(`written: ${folder.file(target)}`);
      const before = await importPomerium({ configFile: folder.file(`${name}.yaml`), env });
      const after = await checkedConfig({ configFile: folder.file(target), env });
      expect(after.routes).toBe(before.routes);
      expect(after.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
      const again = await importPomerium({ configFile: folder.file(target), env });
      expect(again.keys.filter(({ verdict }) => verdict !== 'applies')).toEqual([]);
    },
  );

  test('secrets stay where they were, and only the owner may read the file', async () => {
    await run('all-in-one.yaml', 'out/secrets.yaml');
    const text = readFileSync(folder.file('out/secrets.yaml'), 'utf8');
    expect(text).toContain('cookie_secret: ${COOKIE_SECRET}');
    expect(text).toContain('shared_secret_file: ../secrets/shared');
    expect(text).toContain('policy_semantics: pomerium');
    expect(text).not.toContain(COOKIE_SECRET);
    expect(text).not.toContain(SHARED_SECRET);
    expect(text).not.toContain('postgres');
    expect(statSync(folder.file('out/secrets.yaml')).mode & 0o777).toBe(0o600);
  });

  test('numbers and texts keep the form in which they are written', async () => {
    writeFileSync(folder.file('forms.yaml'), `${FORMS}\n# as-written-`);
    expect((await run('forms.yaml', 'out/forms.yaml')).code).toBe(0);
    const text = readFileSync(folder.file('out/forms.yaml'), 'utf8');
    for (const line of [
      'claim/a: 0777',
      'claim/b: 1_000',
      'is: 0b101',
      'claim/d: 2026-1-31',
      'claim/e: "0777"',
      'claim/f: as-written-0777',
    ])
      expect(text.split('\n').map((each) => each.trim().replace(/^- claim/, 'claim'))).toContain(line);
  });

  test('semantics that the file has are kept', async () => {
    writeFileSync(
      folder.file('strict.yaml'),
      `${readFileSync(folder.file('mtls.yaml'), 'utf8')}policy_semantics: strict\n`,
    );
    expect((await run('strict.yaml', 'strict-out.yaml')).code).toBe(0);
    const text = readFileSync(folder.file('strict-out.yaml'), 'utf8');
    expect(text).toContain('policy_semantics: strict');
    expect(text).toContain('ca_file: client-ca.pem');
  });

  test('what is refused is not written, and a file that is there is not replaced', async () => {
    expect((await run('typo.yaml', 'typo-out.yaml')).code).toBe(1);
    expect(() => statSync(folder.file('typo-out.yaml'))).toThrow();
    for (const [target, why] of [
      ['mtls.yaml', 'mtls.yaml is there already'],
      ['nowhere/x.yaml', 'x.yaml cannot be written'],
    ] as const) {
      const { code, lines } = await run('mtls.yaml', target);
      expect(code).toBe(2);
      expect(lines.at(-1)).toMatch(new RegExp(`^not written: .*${why}$`));
    }
  });
});
