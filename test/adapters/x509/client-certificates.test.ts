import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  createClientCertificates,
  loadClientCertificateRules,
} from '../../../src/adapters/x509/client-certificates.ts';
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
  return createClientCertificates(rules.value);
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
      'downstream_mtls.match_subject_alt_names.0.pattern',
    ]);
  });
});
