import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isCertifiedUser } from '../../../src/core/policy/ssh-certificate.ts';
import { isKey, parseAuthorizedKey, verifySshSignature } from '../../../src/core/policy/ssh-key.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { kindOf, NOW, problemsOf } from './builders.ts';

const fixtures = JSON.parse(readFileSync(join(process.cwd(), 'test/core/policy/ssh-fixtures.json'), 'utf8')) as {
  readonly [group in 'certificates' | 'authorities' | 'keys']: { readonly [name: string]: string };
};

const wire = (line: string | undefined): Buffer => Buffer.from((line ?? '').split(' ')[1] ?? '', 'base64');
const certificate = (name: string): Buffer => wire(fixtures.certificates[name]);
const authority = (name: string): string => (fixtures.authorities[name] ?? '').split(' ')[1] ?? '';

const isCertified = (
  key: Uint8Array,
  changes: { readonly authorities?: readonly string[]; readonly username?: string; readonly now?: number } = {},
): boolean =>
  isCertifiedUser(key, {
    authorities: new Set(changes.authorities ?? Object.keys(fixtures.authorities).map(authority)),
    username: changes.username ?? 'alice',
    now: epochSeconds(changes.now ?? NOW),
  });

describe('SSH user certificates', () => {
  test.each([
    ['ed25519', true],
    ['rsa', true],
    ['rsa-sha256', true],
    ['rsa-sha1', false],
    ['ecdsa256', true],
    ['ecdsa384', true],
    ['ecdsa521', true],
    ['userec', true],
    ['any', true],
    ['source', true],
    ['force', false],
    ['host', false],
    ['old', false],
    ['future', false],
    ['now', true],
  ])('%s: %j', (name, expected) => expect(isCertified(certificate(name))).toBe(expected));

  test('only for the names that it lists; a certificate without names is for all', () => {
    expect(isCertified(certificate('ed25519'), { username: 'bob' })).toBe(true);
    expect(isCertified(certificate('ed25519'), { username: 'carol' })).toBe(false);
    expect(isCertified(certificate('any'), { username: 'carol' })).toBe(true);
  });

  test('only from an authority that is listed', () => {
    expect(isCertified(certificate('ed25519'), { authorities: [authority('rsa')] })).toBe(false);
    expect(isCertified(certificate('ed25519'), { authorities: [] })).toBe(false);
  });

  test('only until it ends', () => {
    expect(isCertified(certificate('now'), { now: Date.UTC(2027, 5, 1) / 1000 })).toBe(false);
    expect(isCertified(certificate('now'), { now: Date.UTC(2025, 5, 1) / 1000 })).toBe(false);
  });

  test('a plain key and bytes that are none certify nobody', () => {
    expect(isCertified(wire(fixtures.keys['user']))).toBe(false);
    expect(isCertified(new Uint8Array())).toBe(false);
  });

  test('one changed or missing byte anywhere certifies nobody', () => {
    for (const name of ['ed25519', 'rsa', 'ecdsa256']) {
      const original = certificate(name);
      fc.assert(
        fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const changed = Buffer.from(original);
          changed[at] = (changed[at] ?? 0) ^ change;
          expect(certifiesOrFails(changed)).toBe(false);
          expect(certifiesOrFails(original.subarray(0, at))).toBe(false);
        }),
        { numRuns: 300 },
      );
    }
  });

  /** What the criterion makes of it: a throw is unknown, which certifies nobody. */
  const certifiesOrFails = (key: Uint8Array): boolean => {
    try {
      return isCertified(key);
    } catch {
      return false;
    }
  };
});

describe('SSH signatures', () => {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const message = Buffer.from('message');

  test.each([
    ['of a kind that does not fit the key', 'ed25519', Buffer.concat([text('ssh-rsa'), text('x')])],
    ['of an unknown kind', 'rsa', Buffer.concat([text('constructor'), text('x')])],
    ['cut short', 'ed25519', text('ssh-ed25519')],
    ['with more behind it', 'ed25519', Buffer.concat([text('ssh-ed25519'), text('x'), text('y')])],
    ['with one number', 'ecdsa256', Buffer.concat([text('ecdsa-sha2-nistp256'), text(text('r').toString())])],
    ['with a number that is too long', 'ecdsa256', ecdsa(text('r'.repeat(40)), text('s'))],
    ['that is simply wrong', 'ecdsa256', ecdsa(text('r'), text('s'))],
  ])('%s do not verify', (_what, name, signature) => {
    expect(verifySshSignature(wire(fixtures.authorities[name]), message, signature)).toBe(false);
  });

  function ecdsa(r: Buffer, s: Buffer): Buffer {
    const numbers = Buffer.concat([r, s]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(numbers.length);
    return Buffer.concat([text('ecdsa-sha2-nistp256'), length, numbers]);
  }

  test('keys of kinds that sign nothing here do not verify', () => {
    const signature = Buffer.concat([text('ssh-dss'), text('x')]);
    const dss = Buffer.concat([text('ssh-dss'), text('p'), text('q'), text('g'), text('y')]);
    expect(isKey(dss)).toBe(true);
    expect(verifySshSignature(dss, message, signature)).toBe(false);
    expect(verifySshSignature(text('unknown'), message, signature)).toBe(false);
  });

  test('security keys are keys', () => {
    const ed25519 = Buffer.concat([text('sk-ssh-ed25519@openssh.com'), text('k'.repeat(32)), text('ssh:')]);
    const point = Buffer.concat([Buffer.from([4]), Buffer.alloc(64)]).toString('latin1');
    const ecdsaKey = (curve: string): Buffer =>
      Buffer.concat([text('sk-ecdsa-sha2-nistp256@openssh.com'), text(curve), text(point), text('ssh:')]);
    expect(isKey(ed25519)).toBe(true);
    expect(isKey(ecdsaKey('nistp256'))).toBe(true);
    expect(isKey(ecdsaKey('nistp384'))).toBe(false);
    expect(isKey(Buffer.concat([text('sk-ssh-ed25519-cert-v01@openssh.com'), text('nonce')]))).toBe(false);
  });
});

describe('keys as in authorized_keys', () => {
  const line = fixtures.keys['user'] ?? '';
  const base64 = line.split(' ')[1] ?? '';

  test.each([
    ['a key', line],
    ['a key with a comment', `${line} alice@laptop`],
    ['after comments and blank lines', `# mine\n\n   \n${line}\n`],
    ['with line ends of another system', `# mine\r\n${line}\r\n`],
    ['with options', `no-pty,command="echo \\"a b\\"" ${line}`],
    ['with options and tabs', `no-pty\t\t${line.replace(' ', '\t')}`],
    ['after a line that is no key', `nonsense\nssh-rsa AAAA\n${line}`],
    ['of another kind', fixtures.authorities['ecdsa521'] ?? ''],
    ['a certificate', fixtures.certificates['ed25519'] ?? ''],
  ])('%s', (_what, text) => {
    const parsed = parseAuthorizedKey(text);
    expect(parsed.ok && isKey(Buffer.from(parsed.value, 'base64'))).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['only the base64', base64],
    ['only a comment', '# ssh-ed25519 AAAA'],
    ['a key that is cut short', line.slice(0, -8)],
    [
      'a key with something behind it',
      `ssh-ed25519 ${Buffer.concat([wire(line), Buffer.from('x')]).toString('base64')}`,
    ],
    ['options without an end', `command="x ${line}`],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n'],
  ])('%s is no key', (_what, text) => {
    expect(parseAuthorizedKey(text)).toEqual({ ok: false, error: 'there is no SSH public key in this text' });
  });

  test('reading never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(typeof parseAuthorizedKey(text).ok).toBe('boolean')));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => expect(typeof isKey(bytes)).toBe('boolean')));
  });
});

describe('SSH criteria', () => {
  const ssh = { username: 'alice', publicKey: wire(fixtures.keys['user']) };

  test('a listed key is let in, another is not', () => {
    const keys = (name: string) => ({ allow: { or: [{ ssh_publickey: [fixtures.keys[name] ?? ''] }] } });
    expect(kindOf(keys('user'), { ssh, http: undefined })).toBe('allow');
    expect(kindOf(keys('userec'), { ssh, http: undefined })).toBe('deny');
  });

  test('a certified key is let in for its names', () => {
    const policy = { allow: { or: [{ ssh_ca: fixtures.authorities['ed25519'] ?? '' }] } };
    const certified = { username: 'alice', publicKey: certificate('ed25519') };
    expect(kindOf(policy, { ssh: certified, http: undefined })).toBe('allow');
    expect(kindOf(policy, { ssh: { ...certified, username: 'root' }, http: undefined })).toBe('deny');
  });

  test('the name must be a value of the claim', () => {
    const policy = { allow: { or: [{ ssh_username_matches_claim: 'login' }] } };
    const sessionClaims = new Map([['login', ['alice', 'ops']]]);
    const subject = { ...subjectWith, sessionClaims };
    expect(kindOf(policy, { ssh, http: undefined, subject })).toBe('allow');
    expect(kindOf(policy, { ssh: { ...ssh, username: 'root' }, http: undefined, subject })).toBe('deny');
  });

  const subjectWith = {
    kind: 'human',
    userId: 'alice',
    issuer: '',
    email: 'alice@example.com',
    name: '',
    groups: undefined,
    userClaims: new Map(),
    authTime: undefined,
    acr: undefined,
    actors: [],
  } as const;

  test.each([
    [{ ssh_publickey: 'x' }, /no SSH public key/],
    [{ ssh_ca: [5] }, /expected a text, not a number/],
    [{ ssh_ca: { is: 'x' } }, /a list of texts, not a mapping/],
    [{ ssh_username_matches_claim: ['x'] }, /expected a text, not a list/],
  ])('%j does not load', (criterion, message) => {
    expect(problemsOf({ allow: { or: [criterion] } })[0]?.message).toMatch(message);
  });
});
