import { describe, expect, test } from '@jest/globals';

import { singleAuthorization } from '../../../src/core/request/authorization.ts';
import { cookiesByPrefix, singleCookie } from '../../../src/core/request/cookies.ts';
import { requestId } from '../../../src/core/request/request-id.ts';
import { anAccessRequest } from './a-request.ts';

const NAME = '__Host-doorward';

const withLines = (name: string, lines: readonly string[], hasRawHeaders = true) =>
  anAccessRequest({ headers: lines.map((line) => [name, line] as const), hasRawHeaders });

const cookieIn = (lines: readonly string[], hasRawHeaders = true) =>
  singleCookie(withLines('cookie', lines, hasRawHeaders), NAME);

const ambiguous = { ok: false, error: { reason: 'the request has a cookie that can be read in two ways' } };
const two = { ok: false, error: { reason: 'the request has two cookies of one name' } };

describe('a cookie', () => {
  test.each<[string, readonly string[], string | undefined]>([
    ['no cookie line', [], undefined],
    ['an empty line', [''], undefined],
    ['other cookies', ['a=1; b=2'], undefined],
    ['a longer name', [`x${NAME}=1; ${NAME}x=2`], undefined],
    ['the name in another case', [`${NAME.toLowerCase()}=1`], undefined],
    ['the name as a value', [`a=${NAME}; ${NAME}`], undefined],
    ['it alone', [`${NAME}=v`], 'v'],
    ['it among others', [`a=1; ${NAME}=v; b=2`], 'v'],
    ['it in the second line', ['a=1', `${NAME}=v`], 'v'],
    ['no blank after the semicolon', [`a=1;${NAME}=v;b=2`], 'v'],
    ['blanks around it', [`a=1;  ${NAME} = v ; b=2`], 'v'],
    ['an equals sign in its value', [`${NAME}=v=w==`], 'v=w=='],
    ['an empty value', [`${NAME}=`], ''],
    ['a comma elsewhere', [`a=1,2; ${NAME}=v; b=x,y=z`], 'v'],
  ])('is found or not in %s', (_, lines, value) => {
    expect(cookieIn(lines)).toEqual({ ok: true, value });
    expect(cookieIn(lines, false)).toEqual({ ok: true, value });
  });

  test.each<[string, readonly string[]]>([
    ['in one line', [`${NAME}=v; ${NAME}=w`]],
    ['in two lines', [`${NAME}=v`, `${NAME}=w`]],
    ['with equal values', [`${NAME}=v; a=1; ${NAME}=v`]],
    ['one of them with blanks', [`${NAME}=v; ${NAME} =w`]],
  ])('that is there twice, %s, is refused', (_, lines) => {
    expect(cookieIn(lines)).toEqual(two);
    expect(cookieIn(lines, false)).toEqual(two);
  });

  test.each([
    `a=1,${NAME}=v`,
    `a=1, ${NAME}=v; b=2`,
    `a,${NAME}=v`,
    `,${NAME}=v`,
    `${NAME}=v,b=2`,
    `${NAME}=v,`,
    `a=1,${NAME}=w; ${NAME}=v`,
    `a=1,2,${NAME}=v`,
  ])('that a comma may have joined to another is refused where lines were joined: %s', (line) => {
    expect(cookieIn([line], false)).toEqual(ambiguous);
  });

  test('is what a lone line says where lines come apart', () => {
    expect(cookieIn([`a=1,${NAME}=v`])).toEqual({ ok: true, value: undefined });
    expect(cookieIn([`${NAME}=v,b=2`])).toEqual({ ok: true, value: 'v,b=2' });
  });

  test('of 64 KiB is read as it is', () => {
    const value = 'x'.repeat(65_536);
    expect(cookieIn([`${NAME}=${value}`])).toEqual({ ok: true, value });
  });

  test('of a family of names is listed in order, duplicates included', () => {
    const request = withLines('cookie', ['a=1; f-1=x; f-2=y', 'f-1=z; xf-3=q', 'b=2']);
    expect(cookiesByPrefix(request, 'f-')).toEqual([
      { name: 'f-1', value: 'x' },
      { name: 'f-2', value: 'y' },
      { name: 'f-1', value: 'z' },
    ]);
  });
});

describe('the Authorization header', () => {
  test.each<[string, readonly string[], string | undefined]>([
    ['absent', [], undefined],
    ['a bearer token', ['Bearer abc.def'], 'Bearer abc.def'],
    ['basic', ['Basic YTpi'], 'Basic YTpi'],
    ['digest, which has commas', ['Digest username="a", realm="b"'], 'Digest username="a", realm="b"'],
    [
      'a signed request, which has commas',
      ['AWS4-HMAC-SHA256 Credential=a, Signature=b'],
      'AWS4-HMAC-SHA256 Credential=a, Signature=b',
    ],
    ['a quoted comma', ['Digest qop="auth,auth-int", nc=1'], 'Digest qop="auth,auth-int", nc=1'],
    ['empty', [''], ''],
  ])('is taken when it is %s', (_, lines, value) => {
    expect(singleAuthorization(withLines('authorization', lines))).toEqual({ ok: true, value });
  });

  test.each<[string, readonly string[]]>([
    ['there are two lines', ['Bearer a', 'Bearer b']],
    ['there are two equal lines', ['Bearer a', 'Bearer a']],
    ['two were joined', ['Bearer a,Bearer b']],
    ['two of different schemes were joined', ['Digest username="a", bearer b']],
    ['a token has a comma', ['basic YTpi,x']],
    ['two without a scheme were joined', ['a,b']],
    ['two with parameters were joined', ['Digest a=b,Digest c=d']],
    ['parameters end in a comma', ['Digest a=b,']],
  ])('is refused when %s', (_, lines) => {
    expect(singleAuthorization(withLines('authorization', lines, false))).toEqual({
      ok: false,
      error: { reason: 'the request has two Authorization lines' },
    });
  });
});

describe('the request id', () => {
  test.each(['1586961b-a86c-4327-9755-3caf3f82eab8', 'a', 'Root:1_2.3', 'x'.repeat(128)])('%s is taken', (id) => {
    expect(requestId(withLines('x-request-id', [id]))).toBe(id);
  });

  test.each([[''], ['a b'], ['<b>'], ['a\n'], ['a"'], ['a,b'], ['é'], ['x'.repeat(129)]])('%j is not', (id) => {
    expect(requestId(withLines('x-request-id', [id]))).toBeUndefined();
  });

  test('is none where there are none or two', () => {
    expect(requestId(withLines('x-request-id', []))).toBeUndefined();
    expect(requestId(withLines('x-request-id', ['a', 'a']))).toBeUndefined();
  });
});
