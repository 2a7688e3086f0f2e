import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { compileCertificates } from '../../src/compose/certificates.ts';
import { buildGeneration } from '../../src/core/build-generation.ts';
import type { CertificateFacts } from '../../src/core/policy/facts.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { load, loaded, linesOf, SECRETS, type World } from '../adapters/config/support.ts';

const NOW = epochSeconds(Date.UTC(2026, 11, 1) / 1000);

const fixtures = JSON.parse(readFileSync(join(process.cwd(), 'test/adapters/x509/fixtures.json'), 'utf8')) as {
  readonly certificates: { readonly [name: string]: string };
  readonly lists: { readonly [name: string]: string };
};
const pem = (...names: readonly string[]): string => names.map((name) => fixtures.certificates[name] ?? '').join('\n');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const encoded = (name: string): string => encodeURIComponent(pem(name));
const crl = (name: string): string => fixtures.lists[name] ?? '';

const ROUTE = 'routes:\n  - from: https://app.example.com\n    allow_public_unauthenticated_access: true\n';

/** `line:column severity message` of what loading and compiling say, without what is said of semantics. */
async function told(yaml: string, files: World['files'] = {}): Promise<readonly string[]> {
  const result = await load(`${yaml}\n${yaml.includes('routes:') ? '' : ROUTE}${SECRETS}`, {
    files,
    findMore: (part) => compileCertificates(part, NOW).problems,
  });
  if (!result.ok) return linesOf(result);
  const { problems } = compileCertificates(result.value, NOW);
  return [
    ...linesOf(result),
    ...result.value.locate(problems).map((p) => `${p.line}:${p.column} ${p.severity} ${p.message}`),
  ];
}

async function open(yaml: string, files: World['files'] = {}) {
  const config = await loaded(`${yaml}\n${yaml.includes('routes:') ? '' : ROUTE}${SECRETS}`, { files });
  const { certificates, problems } = compileCertificates(config, NOW);
  if (certificates === undefined) throw new Error(JSON.stringify(problems));
  return { config, certificates };
}

describe('downstream_mtls', () => {
  test.each([
    ['in base64', `downstream_mtls: { ca: ${base64(pem('root'))} }`],
    ['as PEM', `downstream_mtls:\n  ca: |\n${pem('root').replace(/^/gm, '    ')}`],
    ['by file', 'downstream_mtls: { ca_file: ca.pem }'],
    ['by the older name', `client_ca: ${base64(pem('root'))}`],
    ['by file and the older name', 'client_ca_file: ca.pem'],
  ])('takes its authorities %s', async (_how, yaml) => {
    const { certificates, config } = await open(yaml, { 'ca.pem': pem('root') });
    const valid = (name: string): boolean => certificates.factsOf(encoded(name), undefined, NOW).valid;
    expect([valid('leaf'), valid('leaf-other'), valid('leaf-expired')]).toEqual([true, false, false]);
    expect(config.access.downstream_mtls).toMatchObject({
      enforcement: 'policy_with_default_deny',
      max_verify_depth: 1,
    });
    expect(config.files.map(({ path }) => path)).toEqual(
      yaml.includes('ca.pem')
        ? ['/etc/doorward/doorward.yaml', '/etc/doorward/ca.pem']
        : ['/etc/doorward/doorward.yaml'],
    );
  });

  test.each([
    'downstream_mtls: { ca_file: ca.pem, crl_file: crl.pem }',
    'client_ca_file: ca.pem\nclient_crl_file: crl.pem',
  ])('%s: revokes', async (yaml) => {
    const { certificates } = await open(yaml, { 'ca.pem': pem('root'), 'crl.pem': crl('crl-root') });
    expect(certificates.factsOf(encoded('revoked'), undefined, NOW).valid).toBe(false);
    expect(certificates.factsOf(encoded('leaf'), undefined, NOW).valid).toBe(true);
  });

  test('names and depth are applied', async () => {
    const files = { 'ca.pem': pem('root') };
    const names = await open(
      'downstream_mtls:\n  ca_file: ca.pem\n  match_subject_alt_names: [{ email: bob@.* }, { dns: ".*[.]nowhere" }]',
      files,
    );
    expect(names.certificates.factsOf(encoded('leaf'), undefined, NOW).valid).toBe(false);
    const chain = encodeURIComponent(pem('leaf-inter', 'inter'));
    const one = await open('downstream_mtls: { ca_file: ca.pem }', files);
    const all = await open('downstream_mtls: { ca_file: ca.pem, max_verify_depth: 0 }', files);
    expect(one.certificates.factsOf(chain, undefined, NOW).valid).toBe(false);
    expect(all.certificates.factsOf(chain, undefined, NOW).valid).toBe(true);
  });

  test('a route may have authorities of its own, and the other keys apply there as well', async () => {
    const yaml = `downstream_mtls: { ca_file: ca.pem }
routes:
  - { from: "https://a.example.com", allow_public_unauthenticated_access: true }
  - { from: "https://b.example.com", allow_public_unauthenticated_access: true, tls_downstream_client_ca_file: other.pem }
  - { from: "https://c.example.com", allow_public_unauthenticated_access: true, tls_downstream_client_ca: ${base64(pem('other'))} }
`;
    const { config, certificates } = await open(yaml, { 'ca.pem': pem('root'), 'other.pem': pem('other') });
    const built = buildGeneration({ config: config.access, routePath: config.routePath, number: 1, contentHash: '' });
    if (!built.ok) throw new Error('does not compile');
    const [a, b, c] = built.value.generation.routes.routes.map(({ clientCa }) => clientCa);
    const valid = (name: string, ca: string | undefined): boolean => certificates.factsOf(encoded(name), ca, NOW).valid;
    expect([valid('leaf', a), valid('leaf-other', a)]).toEqual([true, false]);
    expect([valid('leaf', b), valid('leaf-other', b)]).toEqual([false, true]);
    expect([valid('leaf', c), valid('leaf-other', c)]).toEqual([false, true]);
  });

  test('without any of it no certificate is valid', async () => {
    const { certificates } = await open('');
    const facts: Partial<CertificateFacts> = { presented: true, valid: false };
    expect(certificates.factsOf(encoded('leaf'), undefined, NOW)).toMatchObject(facts);
  });

  test.each([
    ['policy_with_default_deny', 'deny'],
    ['reject_connection', 'deny'],
    ['policy', 'allow'],
  ])('under %s a public route without a certificate is: %s', async (enforcement, verdict) => {
    const { config } = await open(`downstream_mtls: { ca_file: ca.pem, enforcement: ${enforcement} }`, {
      'ca.pem': pem('root'),
    });
    const built = buildGeneration({ config: config.access, routePath: config.routePath, number: 1, contentHash: '' });
    if (!built.ok) throw new Error('does not compile');
    const [route] = built.value.generation.routes.routes;
    const facts = { certificate: { presented: false, valid: false, leaf: undefined } } as never;
    expect(route?.policy.evaluate(facts).kind).toBe(verdict === 'allow' ? 'allow' : 'certificate');
  });
});

describe('what is wrong with it is told with line and column', () => {
  const root = { 'ca.pem': pem('root') };

  test.each<[string, string, World['files'], readonly string[]]>([
    [
      'bad PEM',
      'downstream_mtls:\n  ca: bm9wZQ==',
      {},
      ['2:7 error `ca`: there is no PEM block "CERTIFICATE" in this text'],
    ],
    [
      'bad PEM in a file',
      'downstream_mtls:\n  ca_file: ca.pem',
      { 'ca.pem': crl('crl-root') },
      ['2:12 error `ca`: expected PEM blocks "CERTIFICATE", not "X509 CRL"'],
    ],
    [
      'bad PEM under the older name',
      'client_ca_file: ca.pem',
      { 'ca.pem': 'x' },
      ['1:17 error `ca`: there is no PEM block "CERTIFICATE" in this text'],
    ],
    ['a missing file', 'downstream_mtls:\n  ca_file: ca.pem', {}, ['2:12 error `ca_file`: the file does not exist']],
    [
      'an expired authority',
      'downstream_mtls:\n  ca_file: ca.pem',
      { 'ca.pem': pem('expired-ca') },
      ['2:12 error certificate 1 of `ca` has expired: no certificate is valid by it'],
    ],
    [
      'an expired authority among others',
      'downstream_mtls:\n  ca_file: ca.pem',
      { 'ca.pem': pem('root', 'expired-ca') },
      ['2:12 warning certificate 2 of `ca` has expired: no certificate is valid by it'],
    ],
    [
      'a revocation list of another issuer',
      'downstream_mtls:\n  ca_file: ca.pem\n  crl_file: crl.pem',
      { ...root, 'crl.pem': crl('crl-ed') },
      [
        '3:13 error revocation list 1 of `crl` is of another issuer than the authorities in `ca`: it would revoke nothing',
      ],
    ],
    [
      'a forged revocation list',
      'downstream_mtls:\n  ca_file: ca.pem\n  crl_file: crl.pem',
      { ...root, 'crl.pem': crl('crl-forged') },
      ['3:13 error revocation list 1 of `crl` bears the name of an authority in `ca` that did not sign it'],
    ],
    [
      'a revocation list that is none',
      'downstream_mtls:\n  ca_file: ca.pem\n  crl_file: ca.pem',
      root,
      ['3:13 error `crl`: expected PEM blocks "X509 CRL", not "CERTIFICATE"'],
    ],
    [
      'an unknown type of name',
      'downstream_mtls:\n  ca_file: ca.pem\n  match_subject_alt_names:\n    - mail: x',
      root,
      [expect.stringMatching(/^4:7 error unknown key `mail`/) as unknown as string],
    ],
    [
      'a name of two types',
      'downstream_mtls:\n  ca_file: ca.pem\n  match_subject_alt_names:\n    - { dns: x, email: y }',
      root,
      [expect.stringMatching(/^4:7 error .*must have exactly one key: dns, email/) as unknown as string],
    ],
    [
      'a bad regular expression',
      'downstream_mtls:\n  ca_file: ca.pem\n  match_subject_alt_names:\n    - dns: ok\n    - email: "("',
      root,
      [expect.stringMatching(/^5:14 error /) as unknown as string],
    ],
    [
      'an unknown enforcement',
      'downstream_mtls:\n  ca_file: ca.pem\n  enforcement: always',
      root,
      ['3:16 error `downstream_mtls.enforcement` must be policy_with_default_deny, policy or reject_connection'],
    ],
    [
      'no authority',
      'downstream_mtls:\n  enforcement: reject_connection',
      {},
      ['2:3 error no certificate authority is given, so no client could be let in nor refused: set `ca` or `ca_file`'],
    ],
    [
      'a list without an authority, by the older name',
      'client_crl_file: crl.pem',
      { 'crl.pem': crl('crl-root') },
      [
        '1:18 error no certificate authority is given, so no client could be let in nor refused: set `ca` or `ca_file`',
        '1:18 error revocation list 1 of `crl` is of another issuer than the authorities in `ca`: it would revoke nothing',
      ],
    ],
    [
      'two names of one key',
      'client_ca_file: ca.pem\ndownstream_mtls:\n  ca_file: ca.pem',
      root,
      ['1:17 error `client_ca_file` is another name of `downstream_mtls.ca`, which is given as well'],
    ],
    [
      'a text and a file',
      `downstream_mtls:\n  ca: ${base64(pem('root'))}\n  ca_file: ca.pem`,
      root,
      ['3:12 error `ca` and `ca_file` are both given: which one is meant?'],
    ],
    [
      'a bad authority of a route',
      `${ROUTE}    tls_downstream_client_ca_file: ca.pem`,
      { 'ca.pem': 'x' },
      ['4:36 error `tls_downstream_client_ca`: there is no PEM block "CERTIFICATE" in this text'],
    ],
    [
      'an expired authority of a route',
      `${ROUTE}    tls_downstream_client_ca_file: ca.pem`,
      { 'ca.pem': pem('expired-ca') },
      ['4:36 error certificate 1 of `tls_downstream_client_ca` has expired: no certificate is valid by it'],
    ],
  ])('%s', async (_what, yaml, files, lines) => {
    expect(await told(yaml, files)).toEqual(lines);
  });

  test('a revocation list that should have been replaced is a warning, in the words of the semantics', async () => {
    const yaml = 'downstream_mtls:\n  ca_file: ca.pem\n  crl_file: crl.pem';
    const files = { ...root, 'crl.pem': crl('crl-empty') };
    const late = epochSeconds(Date.UTC(2050, 0, 1) / 1000);
    const messages = async (text: string): Promise<readonly string[]> => {
      const config = await loaded(`${text}\n${ROUTE}${SECRETS}`, { files });
      return compileCertificates(config, late).problems.map(({ severity, message }) => `${severity} ${message}`);
    };
    expect(await messages(yaml)).toEqual([
      'warning revocation list 1 of `crl` should have been replaced by a newer one: every certificate of its issuer is refused until there is a newer one',
    ]);
    expect(await messages(`${yaml}\npolicy_semantics: pomerium`)).toEqual([
      'warning revocation list 1 of `crl` should have been replaced by a newer one: what was revoked since is not known',
    ]);
  });

  test('authorities that cannot vouch yet, or at all, and a list of an intermediate', async () => {
    const { problems } = compileCertificates(
      (
        await open('downstream_mtls: { ca_file: ca.pem, crl_file: crl.pem, max_verify_depth: 2 }', {
          'ca.pem': pem('root', 'leaf-critical'),
          'crl.pem': crl('crl-ed'),
        })
      ).config,
      NOW,
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'certificate 2 of `ca` has a critical extension that Doorward does not know: no certificate is valid by it',
    ]);
    const early = await open('downstream_mtls: { ca_file: ca.pem }', { 'ca.pem': pem('root') });
    expect(compileCertificates(early.config, epochSeconds(0)).problems.map(({ message }) => message)).toEqual([
      'certificate 1 of `ca` is not valid yet: no certificate is valid by it',
    ]);
  });
});
