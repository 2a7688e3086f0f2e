import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createCertificateReader, loadClientCertificateRules } from '../../../src/adapters/x509/client-certificates.ts';
import { parseRevocationLists } from '../../../src/adapters/x509/parse-certificates.ts';
import type { ClientCertificateSettings } from '../../../src/adapters/x509/client-certificates.ts';
import { epochSeconds } from '../../../src/core/units.ts';

const NOW = epochSeconds(Date.UTC(2026, 10, 1) / 1000);

const fixtures = JSON.parse(readFileSync(join(process.cwd(), 'test/adapters/x509/fixtures.json'), 'utf8')) as {
  readonly certificates: { readonly [name: string]: string };
  readonly lists: { readonly [name: string]: string };
};

const pem = (name: string): string => fixtures.certificates[name] ?? '';
const encoded = (...names: readonly string[]): string => encodeURIComponent(names.map(pem).join('\n'));

function open(settings: Partial<ClientCertificateSettings> = {}) {
  const rules = loadClientCertificateRules({ ca: pem('root'), ...settings }, 'strict', ['downstream_mtls']);
  if (!rules.ok) throw new Error('does not load');
  return createCertificateReader(rules.value);
}

describe('client certificates of requests', () => {
  test('none presented, one that is valid, one that is not, one that cannot be read', () => {
    const certificates = open();
    expect(certificates.factsOf('', NOW)).toEqual({ presented: false, valid: false, leaf: undefined });
    expect(certificates.factsOf(encoded('leaf'), NOW)).toMatchObject({ presented: true, valid: true });
    expect(certificates.factsOf(encoded('leaf-other'), NOW)).toMatchObject({ presented: true, valid: false });
    for (const garbage of ['garbage', '%', encodeURIComponent('x'.repeat(70_000)), '%00'])
      expect(certificates.factsOf(garbage, NOW)).toEqual({ presented: true, valid: false, leaf: undefined });
  });

  test('what is remembered ends with the certificate', () => {
    const certificates = open();
    const after = epochSeconds(Date.UTC(2056, 0, 1) / 1000 + 1);
    expect(certificates.factsOf(encoded('leaf'), NOW)).toBe(certificates.factsOf(encoded('leaf'), NOW));
    expect(certificates.factsOf(encoded('leaf'), after).valid).toBe(false);
    expect(certificates.factsOf(encoded('leaf'), NOW).valid).toBe(true);
  });

  test.each([
    ['valid', 'leaf', true],
    ['revoked', 'revoked', false],
    ['of another use', 'leaf-server', false],
  ])('the signatures of one that is %s are verified once, however often it comes', (_what, name, isValid) => {
    const crl = fixtures.lists['crl-root'] ?? '';
    const rules = loadClientCertificateRules({ ca: pem('root'), crl }, 'strict', []);
    if (!rules.ok) throw new Error('does not load');
    let verified = 0;
    const authorities = rules.value.authorities.map((authority) => ({
      ...authority,
      x509: {
        verify: (key: Parameters<typeof authority.x509.verify>[0]) => authority.x509.verify(key),
        get publicKey() {
          verified += 1;
          return authority.x509.publicKey;
        },
      },
    }));
    const certificates = createCertificateReader({ ...rules.value, authorities });
    const first = certificates.factsOf(encoded(name), NOW);
    expect(first.valid).toBe(isValid);
    expect(verified).toBeGreaterThan(0);
    const once = verified;
    for (let second = 1; second < 100; second += 1)
      expect(certificates.factsOf(encoded(name), epochSeconds(NOW + second))).toBe(first);
    expect(verified).toBe(once);
    certificates.factsOf(encoded(name), epochSeconds(NOW - 1));
    expect(verified).toBeGreaterThan(isValid ? once - 1 : once);
  });

  test('what is remembered ends when a revocation list should have been replaced', () => {
    const crl = fixtures.lists['crl-empty'] ?? '';
    const lists = parseRevocationLists(crl);
    const end = (lists.ok ? lists.value[0]?.nextUpdate : undefined) ?? epochSeconds(0);
    const strict = open({ crl });
    expect(strict.factsOf(encoded('leaf'), NOW).valid).toBe(true);
    expect(strict.factsOf(encoded('leaf'), end).valid).toBe(true);
    expect(strict.factsOf(encoded('leaf'), epochSeconds(end + 1)).valid).toBe(false);
    const loaded = loadClientCertificateRules({ ca: pem('root'), crl }, 'pomerium', []);
    const pomerium = loaded.ok ? createCertificateReader(loaded.value) : undefined;
    expect(pomerium?.factsOf(encoded('leaf'), NOW).valid).toBe(true);
    expect(pomerium?.factsOf(encoded('leaf'), epochSeconds(end + 1)).valid).toBe(true);
  });

  test('one that is invalid is judged anew when an authority begins to be valid', () => {
    const certificates = open({ ca: pem('root') + pem('other') });
    const begin = Date.UTC(2040, 0, 1) / 1000;
    expect(certificates.factsOf(encoded('leaf-future'), epochSeconds(begin - 10)).valid).toBe(false);
    expect(certificates.factsOf(encoded('leaf-future'), epochSeconds(begin - 1)).valid).toBe(false);
    expect(certificates.factsOf(encoded('leaf-future'), epochSeconds(begin + 1)).valid).toBe(true);
  });

  test('a certificate that is not valid yet becomes valid', () => {
    const certificates = open();
    expect(certificates.factsOf(encoded('leaf-future'), NOW).valid).toBe(false);
    expect(certificates.factsOf(encoded('leaf-future'), epochSeconds(Date.UTC(2041, 0, 1) / 1000)).valid).toBe(true);
  });

  test('a flood of certificates is forgotten in order', () => {
    const certificates = open();
    const first = certificates.factsOf(encoded('leaf'), NOW);
    for (let index = 0; index < 1000; index++) certificates.factsOf(`x${index}`, NOW);
    expect(certificates.factsOf(encoded('leaf'), NOW)).not.toBe(first);
    expect(certificates.factsOf(encoded('leaf'), NOW)).toEqual(first);
  });

  test('depth, names and revocation are those of the settings', () => {
    expect(open().factsOf(encoded('leaf-inter', 'inter'), NOW).valid).toBe(false);
    expect(open({ max_verify_depth: 2 }).factsOf(encoded('leaf-inter', 'inter'), NOW).valid).toBe(true);
    const crl = fixtures.lists['crl-root'] ?? '';
    expect(open({ crl }).factsOf(encoded('revoked'), NOW).valid).toBe(false);
    const names = [{ type: 'email', pattern: 'bob@.*' }] as const;
    expect(open({ match_subject_alt_names: names }).factsOf(encoded('leaf'), NOW).valid).toBe(false);
  });

  test('every setting that cannot be read is a problem at its place', () => {
    const settings = { ca: 'x', crl: 'y', match_subject_alt_names: [{ type: 'dns', pattern: '(' }] } as const;
    const loaded = loadClientCertificateRules(settings, 'strict', ['downstream_mtls']);
    expect(loaded.ok ? [] : loaded.error.map(({ path }) => path.join('.'))).toEqual([
      'downstream_mtls.ca',
      'downstream_mtls.crl',
      'downstream_mtls.match_subject_alt_names.0.dns',
    ]);
  });
});
