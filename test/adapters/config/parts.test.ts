import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration } from '../../../src/core/duration.ts';
import { interpolate } from '../../../src/adapters/config/interpolate.ts';
import { parseListenAddress } from '../../../src/adapters/config/listen-address.ts';
import { isOfThisMachine } from '../../../src/core/listen-address.ts';
import { changedServerKeys } from '../../../src/adapters/config/server-config.ts';
import { editDistance, suggest } from '../../../src/adapters/config/suggest.ts';
import { listOfTexts } from '../../../src/adapters/config/texts.ts';
import { weaknessOf } from '../../../src/core/secret-strength.ts';
import { COOKIE_SECRET, loaded, ROUTES, SECRETS } from './support.ts';

describe('durations', () => {
  test.each([
    ['30s', 30],
    ['90m', 5400],
    ['14h', 50_400],
    ['1h30m', 5400],
    ['1d', 86_400],
    ['500ms', 0.5],
    ['1s500ms', 1.5],
    ['0.5h', 1800],
    ['45', 45],
    [45, 45],
    [0.25, 0.25],
  ])('%j are %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each(['0s', '0', 0, -1, '1.2.3s', '11y', '4000d', Number.NaN])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('variables in texts', () => {
  const env = { HOST: 'app', EMPTY: '', lower: 'l', DOLLAR: 'a$b${c}', __proto__: undefined };
  const textOf = (text: string): unknown => interpolate({ key: text }, env).tree;
  const faultOf = (text: string): string | undefined => interpolate({ key: text }, env).problems[0]?.message;

  test.each([
    ['https://${HOST}.example.com', 'https://app.example.com'],
    ['${HOST}${HOST}', 'appapp'],
    ['[${EMPTY}]', '[]'],
    ['${lower}', 'l'],
    ['$$', '$'],
    ['$${HOST}', '${HOST}'],
    ['$$$${HOST}', '$${HOST}'],
    ['$$${HOST}', '$app'],
    ['^/a$', '^/a$'],
    ['$HOST $1', '$HOST $1'],
    ['${DOLLAR}', 'a$b${c}'],
  ])('%j becomes %j', (text, expected) => {
    expect(textOf(text)).toEqual({ key: expected });
    expect(faultOf(text)).toBeUndefined();
  });

  test.each([
    ['${MISSING}', 'the environment variable MISSING is not set'],
    ['${toString}', 'the environment variable toString is not set'],
    ['${', '`${` must be followed by the name of an environment variable and `}`; write `$$` for a dollar sign'],
    ['${HOST', '`${` must be followed by the name of an environment variable and `}`; write `$$` for a dollar sign'],
    ['${a.b}', '`${` must be followed by the name of an environment variable and `}`; write `$$` for a dollar sign'],
    ['${}', '`${` must be followed by the name of an environment variable and `}`; write `$$` for a dollar sign'],
  ])('%j is a fault', (text, message) => {
    expect(faultOf(text)).toBe(message);
  });

  test('only text values change: not keys, not numbers', () => {
    expect(interpolate({ '${HOST}': [1, true, null, { a: ['${HOST}'] }] }, env).tree).toEqual({
      '${HOST}': [1, true, null, { a: ['app'] }],
    });
  });

  const header = (value: string): unknown =>
    interpolate({ routes: [{ set_request_headers: { Authorization: value } }] }, env);

  test.each([
    ['Bearer ${pomerium.jwt}', 'Bearer ${pomerium.jwt}'],
    ['${groups} $$ $${HOST}', '${groups} $$ $${HOST}'],
    ['${HOST}', 'app'],
    ['${DOLLAR}', 'a$$b$${c}'],
    ['${', '${'],
  ])('in set_request_headers, %j becomes the template %j', (value, template) => {
    expect(header(value)).toEqual({
      tree: { routes: [{ set_request_headers: { Authorization: template } }] },
      problems: [],
    });
  });

  test('a missing variable in set_request_headers is a fault too', () => {
    expect(header('${MISSING}')).toMatchObject({
      problems: [{ path: ['routes', 0, 'set_request_headers', 'Authorization'] }],
    });
  });

  test('a text without dollars stays as it is, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('$')),
        (text) => {
          expect(interpolate(text, {})).toEqual({ tree: text, problems: [] });
        },
      ),
    );
  });

  test('a text whose dollars are doubled comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', 'b') }), (text) => {
        expect(interpolate(text.replaceAll('$', '$$$$'), {})).toEqual({ tree: text, problems: [] });
      }),
    );
  });
});

describe('did you mean', () => {
  const known = ['routes', 'prefix', 'policy', 'allowed_users', 'cookie_secret', 'idp'];

  test.each([
    ['routs', 'routes'],
    ['prefxi', 'prefix'],
    ['Policy', 'policy'],
    ['allowedUsers', 'allowed_users'],
    ['allowed-users', 'allowed_users'],
    ['cookie_secrets', 'cookie_secret'],
    ['ipd', 'idp'],
    ['idq', 'idp'],
    ['xyz', undefined],
    ['', undefined],
    ['cookie', undefined],
    ['r'.repeat(100_000), undefined],
  ])('%s: %s', (word, meant) => {
    expect(suggest(word, known)).toBe(meant);
  });

  test('the distance is symmetric, zero only to itself, and at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('addresses to listen at', () => {
  test.each([
    ['127.0.0.1:50051', { kind: 'tcp', host: '127.0.0.1', port: 50051 }, true],
    ['127.9.9.9:1', { kind: 'tcp', host: '127.9.9.9', port: 1 }, true],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }, true],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }, true],
    ['0.0.0.0:80', { kind: 'tcp', host: '0.0.0.0', port: 80 }, false],
    [':80', { kind: 'tcp', host: '::', port: 80 }, false],
    ['[::]:80', { kind: 'tcp', host: '::', port: 80 }, false],
    ['[::ffff:127.0.0.1]:80', { kind: 'tcp', host: '::ffff:127.0.0.1', port: 80 }, false],
    ['127.evil.example:80', { kind: 'tcp', host: '127.evil.example', port: 80 }, false],
    ['Doorward.internal:80', { kind: 'tcp', host: 'doorward.internal', port: 80 }, false],
    ['unix:/run/d.sock', { kind: 'unix', path: '/run/d.sock' }, true],
    ['unix:///run/d.sock', { kind: 'unix', path: '/run/d.sock' }, true],
  ])('%s', (text, address, local) => {
    const parsed = parseListenAddress(text);
    expect(parsed).toEqual({ ok: true, value: address });
    if (!parsed.ok) return;
    expect(isOfThisMachine(parsed.value)).toBe(local);
  });

  test.each([
    '',
    'x',
    '80',
    'a:b',
    '1.2.3.4:65536',
    '::1:80',
    '[zz]:80',
    '[1.2.3.4]:80',
    '-x:80',
    'a b:80',
    'unix:run',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
    'http://x:80',
  ])('%j is none', (text) => {
    expect(parseListenAddress(text).ok).toBe(false);
  });
});

describe('secrets that keys are derived from', () => {
  test.each([
    [COOKIE_SECRET],
    [COOKIE_SECRET.replace('=', '')],
    ['correct horse battery staple, and more of it'],
    ['0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0'],
  ])('%s is good', (secret) => {
    expect(weaknessOf(secret)).toBeUndefined();
  });

  test.each([
    ['', /at least 32 characters/],
    ['short', /at least 32 characters/],
    ['x'.repeat(31), /at least 32 characters/],
    ['x'.repeat(64), /can be guessed/],
    ['abababababababababababababababababababab', /can be guessed/],
    [Buffer.alloc(32).toString('base64'), /can be guessed/],
    [Buffer.alloc(32, 'ab').toString('base64'), /can be guessed/],
    ['changeme-changeme-changeme-0123456789', /can be guessed/],
    ['this is my Password for everything 123', /can be guessed/],
  ])('%j is refused', (secret, weakness) => {
    expect(weaknessOf(secret)).toMatch(weakness);
  });

  test('32 random bytes are always good', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const isGood = weaknessOf(Buffer.from(bytes).toString('base64')) === undefined;
        expect(isGood).toBe(new Set(bytes).size >= 10);
      }),
    );
  });
});

test('one text is a list by its commas', () => {
  expect(listOfTexts(' a, b ,,c ')).toEqual(['a', 'b', 'c']);
  expect(listOfTexts(['a, b', 'c'])).toEqual(['a, b', 'c']);
  expect(listOfTexts(undefined)).toEqual([]);
});

test('the keys of the process that differ are named', async () => {
  const before = await loaded(`${SECRETS}${ROUTES}`);
  const after = await loaded(`${SECRETS}${ROUTES}log_level: debug\nops_address: 127.0.0.1:1\n`);
  expect(changedServerKeys(before.server, after.server)).toEqual(['ops_address', 'log_level']);
  expect(changedServerKeys(before.server, before.server)).toEqual([]);
});
