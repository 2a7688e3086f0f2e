import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cookiesForUpstream } from '../../../src/core/assertion/cookie-lines.ts';
import { anAccessRequest } from '../request/a-request.ts';

const left = (lines: readonly string[], hasRawHeaders = true): string | undefined =>
  cookiesForUpstream(anAccessRequest({ headers: lines.map((line) => ['cookie', line]), hasRawHeaders }), '_dw');

describe('the cookies for the upstream', () => {
  test.each([
    [['a=1; b=2']],
    [['a=1', 'b=2']],
    [['x_dw=1; _dwx=2; __Host-_dwx=3; __Secure-_dw=4']],
    [['a=_dw; b="_dw=1"']],
    [['notdoorward-flow=1; a=doorward-flow-x']],
    [['_DW=1']],
    [['a=\ufffd']],
    [[]],
  ])("are left alone where none is Doorward's: %j", (lines) => {
    expect(left(lines)).toBeUndefined();
  });

  test.each([
    [['_dw=1'], ''],
    [['__Host-_dw=1'], ''],
    [[' _dw = 1 ; '], ''],
    [['a=1; _dw=x; b=2'], 'a=1; b=2'],
    [['_dw=x; a=1'], 'a=1'],
    [['a=1; _dw=x'], 'a=1'],
    [['a=1;_dw=x;b=2'], 'a=1;b=2'],
    [['_dw=x; _dw=y; __Host-_dw=z; a=1'], 'a=1'],
    [['doorward-flow-1=x; __Host-doorward-flow-2=y; a=1'], 'a=1'],
    [['a="x y"; _dw=1; b=;  c; =d; e=f=g'], 'a="x y"; b=;  c; =d; e=f=g'],
    [['a=1; _dw=x', 'b=2', '__Host-_dw=y'], 'a=1; b=2'],
    [['a=é€😀; _dw=x'], 'a=é€😀'],
    [['a=1,b=2; _dw=x'], 'a=1,b=2'],
  ])('are the others, as they were written: %j is %j', (lines, expected) => {
    expect(left(lines)).toBe(expected);
  });

  test('leave out what cannot be written as it came, once they are written anew', () => {
    expect(left(['a=\ufffd; b=1; _dw=x', 'c=\ufffd', 'd=2'])).toBe('b=1; d=2');
  });

  test('are taken apart at commas too where Envoy joined lines', () => {
    expect(left(['a=1,_dw=x; b=2'], false)).toBe('b=2');
    expect(left(['a=1,_dw=x; b=2'], true)).toBeUndefined();
    expect(left(['a=1, __Host-_dw=x'], false)).toBe('');
  });

  test("keep every cookie of the application byte for byte, and none of Doorward's", () => {
    const own = fc.constantFrom('_dw=s', '__Host-_dw=s', 'doorward-flow-a=s', '__Host-doorward-flow-b=s');
    const other = fc.stringMatching(/^[a-c]{1,3}=[ -:<-~é€]{0,12}[!-:<-~]$/);
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(own, other), { minLength: 1, maxLength: 5 }), { maxLength: 4 }),
        (lines) => {
          const sent = lines.map((pairs) => pairs.join('; '));
          const others = lines.flat().filter((pair) => !pair.endsWith('=s') || /^[a-c]+=/.test(pair));
          const hasOwn = others.length < lines.flat().length;
          expect(left(sent)).toBe(hasOwn ? others.join('; ') : undefined);
        },
      ),
    );
  });

  test('cost little where there are many', () => {
    const line = `${Array.from({ length: 4_000 }, (_, index) => `c${index}=_dw`).join('; ')}; _dw=x`;
    const started = performance.now();
    for (let round = 0; round < 20; round += 1) left([line]);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
