import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canonicalise, otherReadings, pathRelaxations } from '../../../src/core/request/canonicalise.ts';
import type { CanonicalTarget } from '../../../src/core/request/target.ts';
import { anAccessRequest } from './a-request.ts';

const read = (path: string, change: { authority?: string; method?: string } = {}) =>
  canonicalise(anAccessRequest({ path, ...change }));

function accepted(path: string, change: { authority?: string; method?: string } = {}): CanonicalTarget {
  const result = read(path, change);
  if (!result.ok) throw new Error(`refused: ${result.error.reason}`);
  return result.value;
}

const reasonFor = (path: string, change: { authority?: string; method?: string } = {}): string | undefined => {
  const result = read(path, change);
  return result.ok ? undefined : result.error.reason;
};

describe('a plain path', () => {
  test.each([
    ['/', '/', undefined],
    ['/a/b.c/d', '/a/b.c/d', undefined],
    ['/a?', '/a', ''],
    ['/a?x=1?y=%zz&z=//../;', '/a', 'x=1?y=%zz&z=//../;'],
    ['/a:b@c!$&()*+,=~[]{}|^`"<>\'', '/a:b@c!$&()*+,=~[]{}|^`"<>\'', undefined],
  ])('%s is what it is', (raw, path, query) => {
    expect(accepted(raw)).toEqual({
      host: 'grafana.example.com',
      path,
      decodedPath: path,
      query,
      irregularities: [],
      hasParameters: false,
    });
  });

  test.each(['/.well-known/jwks.json', '/a/..b', '/a/.../b', '/a/b.', '/a/b..'])(
    '%s has dots but no dot segment',
    (path) => {
      expect(accepted(path).irregularities).toEqual([]);
    },
  );
});

describe('an encoded path', () => {
  test.each([
    ['/%61dmin', '/admin'],
    ['/a%20b', '/a b'],
    ['/caf%C3%A9', '/café'],
    ['/%F0%9F%98%80', '/\u{1f600}'],
    ['/100%25', '/100%'],
    ['/a%2520b', '/a%20b'],
    ['/C%23?x=%00', '/C#'],
    ['/%EF%BB%BFx', '/\ufeffx'],
  ])('%s is forwarded as it is and decoded once to %s', (raw, decodedPath) => {
    const target = accepted(raw);
    expect(target.path).toBe(raw.split('?')[0]);
    expect(target.decodedPath).toBe(decodedPath);
    expect(target.irregularities).toEqual([]);
  });

  test('keeps an encoded slash opaque in the decoded path, in the case it was written', () => {
    expect(accepted('/projects/a%2Fb%2f%41/%C3%A9%2f').decodedPath).toBe('/projects/a%2Fb%2fA/é%2f');
  });
});

describe('what only a route that relaxes it accepts', () => {
  test.each([
    ['/a%2fb', ['encoded_slash']],
    ['/a%2Fb', ['encoded_slash']],
    ['/a%252fb', ['encoded_slash']],
    ['/a%25252fb', ['encoded_slash']],
    ['/a\\b', ['backslash']],
    ['/a%5cb', ['backslash']],
    ['/a%255Cb', ['backslash']],
    ['/a//b', ['double_slash']],
    ['//a', ['double_slash']],
    ['/a/%2fb', ['encoded_slash', 'double_slash']],
    ['/a/../b', ['dot_segments']],
    ['/a/./b', ['dot_segments']],
    ['/..', ['dot_segments']],
    ['/.', ['dot_segments']],
    ['/a/..?x', ['dot_segments']],
    ['/a/%2e%2e/b', ['dot_segments']],
    ['/a/.%2e/b', ['dot_segments']],
    ['/a/%2E./b', ['dot_segments']],
    ['/a/%252e%252e/b', ['dot_segments']],
    ['/public/..;/admin', ['dot_segments']],
    ['/public/%2e%2e;/admin', ['dot_segments']],
    ['/public/..%3b/admin', ['dot_segments']],
    ['/public/;../admin', ['dot_segments']],
    ['/public/a;../admin', ['dot_segments']],
    ['/public/..;x=1/admin', ['dot_segments']],
    ['/public/.;/admin', ['dot_segments']],
    ['/a\\..\\b', ['dot_segments', 'backslash']],
    ['/a%2f..%2fb', ['dot_segments', 'encoded_slash']],
    ['/a%5c..%5cb', ['dot_segments', 'backslash']],
    ['/caf\u00e9', ['non_ascii']],
    ['/\ufffd', ['non_ascii']],
    ['/a?\ufffd', ['non_ascii']],
    ['/%ff', ['non_ascii']],
    ['/%C3', ['non_ascii']],
    ['/%25ff', ['non_ascii']],
  ])('%s has %j', (path, irregularities) => {
    expect(accepted(path).irregularities).toEqual(irregularities);
  });

  test.each([
    ['/public;x/y', true],
    ['/admin;x=1', true],
    ['/admin%3bx', true],
    ['/admin%253Bx', true],
    ['/admin?a;b', false],
  ])('%s has parameters: %s', (path, hasParameters) => {
    expect(accepted(path).hasParameters).toBe(hasParameters);
  });
});

describe('what no route accepts', () => {
  test.each([
    ['/a#b', 'the path has a fragment'],
    ['/a?b#c', 'the path has a fragment'],
    ['/a b', 'the path has a blank or a control character'],
    ['/a?b c', 'the path has a blank or a control character'],
    ['/a\tb', 'the path has a blank or a control character'],
    ['/a\u0000', 'the path has a blank or a control character'],
    ['/a\u007f', 'the path has a blank or a control character'],
    ['/a\r\nx', 'the path has a blank or a control character'],
    ['/%zz', 'the path has a % that is not followed by two hex digits'],
    ['/%', 'the path has a % that is not followed by two hex digits'],
    ['/a%2', 'the path has a % that is not followed by two hex digits'],
    ['/%u002e', 'the path has a % that is not followed by two hex digits'],
    ['/a%00', 'the path has an encoded control character'],
    ['/a%0d%0ab', 'the path has an encoded control character'],
    ['/a%7F', 'the path has an encoded control character'],
    ['/a%2500', 'the path has an encoded control character'],
    ['/a%c0%af', 'the path has an overlong encoding'],
    ['/a%C1%9c', 'the path has an overlong encoding'],
    ['/a%e0%80%af', 'the path has an overlong encoding'],
    ['/a%f0%80%80%af', 'the path has an overlong encoding'],
    ['/a%25c0%25ae', 'the path has an overlong encoding'],
    [`/a%${'25'.repeat(5)}41`, 'the path is encoded too many times over'],
    [`/${'a'.repeat(65_536)}`, 'the path is too long'],
    ['', 'the path does not begin with a slash'],
    ['*', 'the path does not begin with a slash'],
    ['a', 'the path does not begin with a slash'],
    ['http://a/x', 'the path does not begin with a slash'],
    ['?x', 'the path does not begin with a slash'],
    ['\\a', 'the path does not begin with a slash'],
    ['%2fa', 'the path does not begin with a slash'],
  ])('%j', (path, reason) => {
    expect(reasonFor(path)).toBe(reason);
  });

  test('an escape that only decoding completes is looked at as text', () => {
    expect(accepted('/%25zz').decodedPath).toBe('/%zz');
  });
});

describe('targets without a path', () => {
  test('`*` is for OPTIONS only', () => {
    expect(accepted('*', { method: 'OPTIONS' })).toMatchObject({ path: '*', decodedPath: '*', irregularities: [] });
    expect(reasonFor('*', { method: 'GET' })).toBeDefined();
    expect(reasonFor('**', { method: 'OPTIONS' })).toBeDefined();
  });

  test('an empty path is for CONNECT only', () => {
    expect(accepted('', { method: 'CONNECT', authority: 'web1.ssh.corp.test:22' })).toMatchObject({
      host: 'web1.ssh.corp.test',
      path: '',
    });
    expect(reasonFor('', { method: 'OPTIONS' })).toBeDefined();
  });
});

describe('a host', () => {
  test('is part of the reading, canonical', () => {
    expect(accepted('/', { authority: 'A.LocalHost.:99' }).host).toBe('a.localhost');
  });

  test.each(['', 'a,b', 'u@a', 'a b'])('%j refuses the request', (authority) => {
    expect(reasonFor('/', { authority })).toBe('the Host (:authority) is not exactly one well-formed host');
  });
});

describe('headers that a client can write', () => {
  test.each([
    'host',
    'x-forwarded-host',
    'x-forwarded-uri',
    'x-forwarded-prefix',
    'x-forwarded-proto',
    'x-original-url',
    'x-original-uri',
    'x-rewrite-url',
    'x-envoy-original-path',
    'x-envoy-original-host',
  ])('%s changes nothing in the reading', (name) => {
    const plain = anAccessRequest({ path: '/admin?x' });
    const dressed = anAccessRequest({ path: '/admin?x', headers: [[name, '/public']] });
    expect(canonicalise(dressed)).toEqual(canonicalise(plain));
  });
});

describe('other readings', () => {
  test('of a plain path there are none', () => {
    expect(otherReadings(accepted('/a/b.c?d'))).toEqual([]);
  });

  test.each([
    ['/%61dmin', '/admin'],
    ['/%2561dmin', '/admin'],
    ['/admin;x=1', '/admin'],
    ['/admin;x/y', '/admin/y'],
    ['/public/../admin', '/admin'],
    ['/public/x%2f..%2f../admin/', '/admin/'],
    ['/public/%2e%2e;/admin', '/admin'],
    ['/public/a;../admin', '/public/a/admin'],
    ['/public\\..\\admin', '/admin'],
    ['//admin', '/admin'],
    ['/;\\admin', '/admin'],
    ['/a/..', '/'],
    ['/a/b/.', '/a/b/'],
    ['/../../..', '/'],
    ['/a%3f', '/a?'],
  ])('of %s include %s', (path, reading) => {
    expect(otherReadings(accepted(path))).toContain(reading);
  });

  test('never include the path itself', () => {
    expect(otherReadings(accepted('/a;b'))).not.toContain('/a;b');
  });
});

describe('any text at all', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%252e',
    '%25',
    '%2f',
    '%5c',
    '\\',
    ';',
    '%3b',
    'a',
    'B',
    '%61',
    '?',
    '#',
    '%00',
    '%zz',
    '%',
    '%c0%ae',
    'é',
    '\ufffd',
    ' ',
    '*',
  );
  const anyPath = fc.oneof(
    fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`),
    fc.string({ unit: 'binary' }),
  );
  const anyAuthority = fc.oneof(fc.constantFrom('a', 'A.b.', '[::1]:1', ''), fc.string({ unit: 'binary' }));

  /** The naive opposite of the implementation: decode what can be decoded until nothing changes, then look for segments. */
  const decodedForms = (path: string): string[] => {
    const forms = [path];
    for (let text = path; ;) {
      const next = text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      if (next === text) return forms;
      forms.push(next);
      text = next;
    }
  };

  test('gives a target or a reason, and a reason never holds client text', () => {
    fc.assert(
      fc.property(anyAuthority, anyPath, fc.constantFrom('GET', 'OPTIONS', 'CONNECT'), (authority, path, method) => {
        const result = canonicalise(anAccessRequest({ authority, path, method }));
        if (result.ok) expect(result.value.host).toMatch(/^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])$/);
        else expect(result.error.reason).toMatch(/^the [A-Za-z0-9 %(:)-]+$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('has no dot segment, slash trick or control after any number of decodings, unless that is named', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const result = read(path);
        if (!result.ok) return;
        const { irregularities, hasParameters } = result.value;
        const [first = '', ...later] = decodedForms(result.value.path);
        for (const form of [first, ...later]) {
          expect(form).toMatch(/^[^\p{Cc}]*$/u);
          const segments = form.split(/[/\\]/).map((segment) => segment.replace(/;.*/, ''));
          if (!irregularities.includes('dot_segments')) expect(segments).not.toContain('..');
          if (!irregularities.includes('dot_segments')) expect(segments).not.toContain('.');
          if (!irregularities.includes('backslash')) expect(form).not.toContain('\\');
          if (!irregularities.includes('double_slash')) expect(form).not.toContain('//');
          if (!hasParameters) expect(form).not.toContain(';');
        }
        const slashes = first.split('/').length;
        if (!irregularities.includes('encoded_slash')) {
          for (const form of later) expect(form.split('/')).toHaveLength(slashes);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('names irregularities once each, in one order', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const result = read(path);
        const found = result.ok ? result.value.irregularities : [];
        expect(found).toEqual(pathRelaxations.filter((name) => found.includes(name)));
      }),
    );
  });

  test('of 64 KiB is read in little time', () => {
    for (const unit of ['%25', '%2e', '/..', ';', '%', '//', '%c0', '\\', '%e4%bd%a0']) {
      const path = `/${unit.repeat(65_000 / unit.length)}`;
      const begun = performance.now();
      const result = read(path);
      if (result.ok) otherReadings(result.value);
      expect(performance.now() - begun).toBeLessThan(500);
    }
  });
});
