import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseCertificates, parseRevocationLists } from '../../../src/adapters/x509/parse-certificates.ts';
import { findClientChain, judgeCertificate } from '../../../src/core/request/certificate.ts';
import type { Certificate, ClientCertificateRules, RevocationList } from '../../../src/core/request/certificate.ts';
import { epochSeconds } from '../../../src/core/units.ts';

const NOW = epochSeconds(Date.UTC(2026, 10, 1) / 1000);

const fixtures = JSON.parse(readFileSync(join(process.cwd(), 'test/adapters/x509/fixtures.json'), 'utf8')) as {
  readonly certificates: { readonly [name: string]: string };
  readonly lists: { readonly [name: string]: string };
};

function value<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string },
): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const certificates = (...names: readonly string[]): readonly Certificate[] =>
  names.length === 0 ? [] : value(parseCertificates(names.map((name) => fixtures.certificates[name] ?? '').join('\n')));

const lists = (...names: readonly string[]): readonly RevocationList[] =>
  names.flatMap((name) => value(parseRevocationLists(fixtures.lists[name] ?? '')));

const rules = (changes: Partial<ClientCertificateRules> = {}): ClientCertificateRules => ({
  authorities: certificates('root'),
  revocationLists: [],
  names: undefined,
  depthMax: 0,
  refusesStaleLists: true,
  ...changes,
});

function isValid(chain: string, changes: Partial<ClientCertificateRules> = {}, now = NOW): boolean {
  const [leaf, ...intermediates] = certificates(...chain.split(' '));
  if (leaf === undefined) throw new Error('no leaf');
  return findClientChain(leaf, intermediates, rules(changes), now) !== undefined;
}

describe('a client certificate', () => {
  test.each([
    ['issued by an authority', 'leaf', true],
    ['by an intermediate that the client sent', 'leaf-inter inter', true],
    ['by an intermediate that is missing', 'leaf-inter', false],
    ['by intermediates in any order', 'leaf-deeper inter deep deeper', true],
    ['by an intermediate within the path length', 'leaf-pathlen0 pathlen0', true],
    ['by an intermediate beyond the path length', 'leaf-below-pathlen0 below-pathlen0 pathlen0', false],
    ['by one that must not sign certificates', 'leaf-nosign nosign', false],
    ['by one that is no authority', 'leaf-notca notca', false],
    ['by one for servers only', 'leaf-server-ca server-ca', false],
    ['by one with name constraints, which are not understood', 'leaf-constrained constrained', false],
    ['by one that has expired', 'leaf-expired-ca expired-ca', false],
    ['by another of the same name', 'leaf-other', false],
    ['for servers only', 'leaf-server', false],
    ['for any use', 'leaf-any', true],
    ['that says nothing of its use', 'leaf-plain', true],
    ['with a critical extension that nobody knows', 'leaf-critical', false],
    ['not valid yet', 'leaf-future', false],
    ['no longer valid', 'leaf-expired', false],
    ['that is the authority itself', 'root', true],
  ])('%s: %j is %j', (_what, chain, expected) => expect(isValid(chain)).toBe(expected));

  test('time is an argument: it is valid exactly between its dates', () => {
    const [leaf] = certificates('leaf');
    const at = (seconds: number): boolean => isValid('leaf', {}, epochSeconds(seconds));
    expect(at(leaf?.notBefore ?? 0)).toBe(true);
    expect(at((leaf?.notBefore ?? 0) - 1)).toBe(false);
    expect(at(leaf?.notAfter ?? 0)).toBe(true);
    expect(at((leaf?.notAfter ?? 0) + 1)).toBe(false);
  });

  test('keys of other kinds verify; SHA-1 does not', () => {
    expect(isValid('leaf-rsa', { authorities: certificates('rsaroot') })).toBe(true);
    expect(isValid('leaf-ed', { authorities: certificates('edroot') })).toBe(true);
    expect(isValid('leaf-sha1', { authorities: certificates('rsaroot') })).toBe(false);
  });

  test('without authorities nothing is valid', () => {
    expect(isValid('leaf', { authorities: [] })).toBe(false);
  });

  test.each([
    [1, 'leaf', true],
    [1, 'leaf-inter inter', false],
    [2, 'leaf-inter inter', true],
    [3, 'leaf-deeper inter deep deeper', false],
    [4, 'leaf-deeper inter deep deeper', true],
  ])('with at most %j certificates above it, %j is %j', (depthMax, chain, expected) =>
    expect(isValid(chain, { depthMax })).toBe(expected),
  );

  test('names must match where they are given, each by its own kind', () => {
    const named = (name: string): boolean =>
      isValid('leaf', { names: { email: (text) => text === name, ip_address: (text) => text === name } });
    expect(named('alice@example.com')).toBe(true);
    expect(named('2001:db8::1')).toBe(true);
    expect(named('alice.example.com')).toBe(false);
    const isAlice = (text: string): boolean => text === 'alice@corp.test';
    expect(isValid('leaf-upn', { names: { user_principal_name: isAlice } })).toBe(true);
    expect(isValid('leaf', { names: { user_principal_name: isAlice } })).toBe(false);
  });

  test.each([
    ['revoked', 'root', 'crl-root', false],
    ['leaf', 'root', 'crl-root', true],
    ['leaf', 'root', 'crl-empty', true],
    ['leaf', 'root', 'crl-rsa', true],
    ['leaf', 'root', 'crl-forged', false],
    ['leaf-rsa', 'rsaroot', 'crl-rsa', false],
    ['leaf-ed', 'edroot', 'crl-ed', false],
  ])('%s of %s under the list %s is %j', (leaf, authority, list, expected) =>
    expect(isValid(leaf, { authorities: certificates(authority), revocationLists: lists(list) })).toBe(expected),
  );

  test('a list that should have been replaced revokes where stale lists do', () => {
    const revocationLists = lists('crl-empty');
    const end = revocationLists[0]?.nextUpdate ?? epochSeconds(0);
    const after = epochSeconds(end + 1);
    expect(isValid('leaf', { revocationLists }, end)).toBe(true);
    expect(isValid('leaf', { revocationLists }, after)).toBe(false);
    expect(isValid('leaf', { revocationLists, refusesStaleLists: false }, after)).toBe(true);
    expect(isValid('leaf-rsa', { authorities: certificates('rsaroot'), revocationLists }, after)).toBe(true);
  });

  test('a list whose signature cannot be verified at all revokes', () => {
    const broken: RevocationList = {
      issuer: certificates('root')[0]?.subject ?? '',
      nextUpdate: undefined,
      serialNumbers: new Set(),
      isSignedBy: () => {
        throw new Error('wrong kind of key');
      },
    };
    expect(isValid('leaf', { revocationLists: [broken] })).toBe(false);
  });

  test('a signature that cannot be verified at all is none', () => {
    const [leaf, ...rest] = certificates('leaf');
    if (leaf === undefined) throw new Error('no fixture');
    const verify = (): boolean => {
      throw new Error('wrong kind of key');
    };
    const broken = { ...leaf, x509: { publicKey: leaf.x509.publicKey, verify } };
    expect(findClientChain(broken, rest, rules(), NOW)).toBeUndefined();
  });

  test('a judgement says how long it holds', () => {
    const valid = judgeCertificate(true, certificates('leaf'), rules(), NOW);
    expect(valid.holds).toEqual([Date.UTC(2020, 0, 1) / 1000, Date.UTC(2056, 0, 1) / 1000]);
    const invalid = judgeCertificate(true, certificates('leaf-future'), rules(), NOW);
    expect(invalid.holds).toEqual([NOW, (certificates('leaf-future')[0]?.notBefore ?? 0) - 1]);
    const [list] = lists('crl-empty');
    const endless = list === undefined ? [] : [{ ...list, nextUpdate: undefined }];
    const listed = judgeCertificate(true, certificates('leaf'), rules({ revocationLists: endless }), NOW);
    expect(listed.holds).toEqual(valid.holds);
    const expired = judgeCertificate(true, certificates('leaf-expired'), rules(), NOW);
    expect(expired.holds).toEqual([NOW, Date.UTC(2056, 0, 1) / 1000]);
  });

  test('a long or circular chain costs a bounded number of signatures', () => {
    let verified = 0;
    const [leaf, issuer] = certificates('leaf-inter', 'inter');
    if (leaf === undefined || issuer === undefined) throw new Error('no fixtures');
    const count = (index: number): Certificate => ({
      ...issuer,
      subject: 'loop',
      issuer: 'loop',
      leaf: { ...issuer.leaf, fingerprint: String(index) },
      x509: { publicKey: issuer.x509.publicKey, verify: () => ++verified > 0 },
    });
    const many = Array.from({ length: 50 }, (_, index) => count(index));
    const start: Certificate = {
      ...leaf,
      issuer: 'loop',
      x509: { ...leaf.x509, publicKey: leaf.x509.publicKey, verify: () => true },
    };
    expect(findClientChain(start, many, rules(), NOW)).toBeUndefined();
    expect(verified).toBeLessThanOrEqual(100);
  });

  test('facts name the leaf even where it is not valid', () => {
    const { facts } = judgeCertificate(true, certificates('leaf-other'), rules(), NOW);
    expect(facts).toMatchObject({
      presented: true,
      valid: false,
      leaf: { sanEmail: ['alice@example.com'], sanDns: ['alice.example.com'], sanUri: ['spiffe://example.com/alice'] },
    });
    expect(facts.leaf?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(judgeCertificate(true, [], rules(), NOW).facts).toEqual({ presented: true, valid: false, leaf: undefined });
  });
});

describe('PEM', () => {
  test.each([
    ['nothing', '', /no PEM block/],
    ['another block', fixtures.lists['crl-root'] ?? '', /expected PEM blocks "CERTIFICATE"/],
    ['bytes that are no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /block 1 is not/],
    ['too much', ' '.repeat(33 * 1024 * 1024), /longer than/],
  ])('%s is refused in words', (_what, pem, message) =>
    expect(parseCertificates(pem)).toMatchObject({ ok: false, error: expect.stringMatching(message) as unknown }),
  );

  test('a certificate is no revocation list', () => {
    const pem = (fixtures.certificates['leaf'] ?? '').replaceAll('CERTIFICATE', 'X509 CRL');
    expect(parseRevocationLists(pem)).toEqual({ ok: false, error: 'block 1 is not a certificate revocation list' });
  });

  test('reading changed bytes never throws', () => {
    const der = Buffer.from((fixtures.certificates['leaf'] ?? '').replace(/-----[^-]+-----|\s/g, ''), 'base64');
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, length) => {
        const changed = Buffer.from(der);
        changed[at] = byte;
        const body = changed.subarray(0, length).toString('base64');
        const result = parseCertificates(`-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`);
        if (result.ok) expect(judgeCertificate(true, result.value, rules(), NOW).facts.presented).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
