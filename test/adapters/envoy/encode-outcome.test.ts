import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { encodeOutcome } from '../../../src/adapters/envoy/encode-outcome.ts';
import type { Outcome, OwnResponse, UpstreamChanges } from '../../../src/core/response/decision.ts';
import { refusalCodes, type RefusalCode } from '../../../src/core/response/refusal-codes.ts';
import { decodeResponse, type CheckResponseMessage } from './oracle.ts';

const nothing: UpstreamChanges = { set: [], remove: [], setCookies: [] };
const page: OwnResponse = { status: 403, headers: [['content-type', 'text/html']], body: '<p>no' };

const allow = (upstream: Partial<UpstreamChanges>): Outcome => ({
  kind: 'allow',
  upstream: { ...nothing, ...upstream },
});
const answer = (response: Partial<OwnResponse>, code: RefusalCode = 'forbidden'): Outcome => ({
  kind: 'answer',
  code,
  response: { ...page, ...response },
});

const asSent = (outcome: Outcome): CheckResponseMessage => decodeResponse(encodeOutcome(outcome));
const option = (key: string, value: string, append_action: number) => ({
  header: { key, value, raw_value: Buffer.alloc(0) },
  append: null,
  append_action,
  keep_empty_value: false,
});

describe('an allow', () => {
  test('without changes is an OK status and an empty ok_response', () => {
    expect(encodeOutcome(allow({}))).toEqual(Buffer.from([0x0a, 0, 0x1a, 0]));
    expect(asSent(allow({}))).toMatchObject({
      status: { code: 0 },
      ok_response: { headers: [], headers_to_remove: [], response_headers_to_add: [] },
    });
    expect(asSent(allow({})).denied_response).toBeUndefined();
  });

  test.each(['', 'A', 'B'.repeat(127), 'C'.repeat(128), 'D'.repeat(20_000), 'E'.repeat(200_000)])(
    'hands Envoy its ticket in the dynamic metadata',
    (ticket) => {
      const sent = asSent({ kind: 'allow', upstream: { ...nothing, set: [['x-a', '1']] }, ticket });
      expect(sent.dynamic_metadata).toMatchObject({ fields: { hold: { stringValue: ticket } } });
      expect(sent.ok_response?.headers).toEqual([option('x-a', '1', 2)]);
    },
  );

  test('overwrites what it sets, and appends each cookie to the response', () => {
    const upstream = { set: [['x-a', '1']], remove: ['x-b'], setCookies: ['a=1', 'b=2'] } as const;
    expect(asSent(allow(upstream)).ok_response).toEqual({
      headers: [option('x-a', '1', 2)],
      headers_to_remove: ['x-b'],
      response_headers_to_add: [option('set-cookie', 'a=1', 0), option('set-cookie', 'b=2', 0)],
    });
  });

  test('never removes what it sets, because Envoy removes last', () => {
    const sent = asSent(allow({ set: [['x-a', '1']], remove: ['x-a', 'x-b'] }));
    expect(sent.ok_response?.headers_to_remove).toEqual(['x-b']);
  });

  test('can carry an assertion of many kilobytes', () => {
    const value = 'x'.repeat(70_000);
    expect(asSent(allow({ set: [['x-a', value]] })).ok_response?.headers[0]?.header.value).toBe(value);
  });
});

describe('an answer', () => {
  test('is a denied_response with status, headers and body', () => {
    const headers = [
      ['location', 'https://idp.example/?a=1'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ] as const;
    const sent = asSent(answer({ status: 302, headers, body: 'gö 🙂' }, 'login-required'));
    expect(sent.status).toMatchObject({ code: 16 });
    expect(sent.ok_response).toBeUndefined();
    expect(sent.denied_response).toEqual({
      status: { code: 302 },
      headers: headers.map(([name, value]) => option(name, value, 2)),
      body: 'gö 🙂',
    });
  });

  test.each(Object.keys(refusalCodes) as RefusalCode[])(
    'of code %s has a nonzero status, also with HTTP 200',
    (code) => {
      const sent = asSent(answer({ status: 200 }, code));
      expect(sent.status?.code).toBe(refusalCodes[code].grpcStatus);
      expect(sent.status?.code).toBeGreaterThan(0);
      expect(sent.denied_response?.status.code).toBe(200);
    },
  );

  test.each([200, 204, 302, 400, 401, 450, 495, 503, 599])('may have HTTP status %d', (status) => {
    expect(asSent(answer({ status })).denied_response?.status.code).toBe(status);
  });
});

describe('what may not be written', () => {
  const refused = (outcome: Outcome) => {
    const faults: string[] = [];
    const sent = decodeResponse(encodeOutcome(outcome, (reason) => faults.push(reason)));
    expect(sent.status?.code).toBe(13);
    expect(sent.ok_response).toBeUndefined();
    expect(sent.denied_response?.status.code).toBe(500);
    expect(sent.denied_response?.body).toBe('A fault in Doorward. The request was refused.\n');
    expect(sent).toEqual(asSent(outcome));
    return faults;
  };

  test.each(['a\rb', 'a\nb', 'a\0b', 'a\x1bb', 'a\x7fb', 'a\x80b', 'a\x9fb', '\ud800', 'a\udc00é'])(
    'is a header value like %j; it becomes a 500 refusal',
    (value) => {
      const fault = ['a value of x-a that no header may have'];
      expect(refused(allow({ set: [['x-a', value]] }))).toEqual(fault);
      expect(refused(answer({ headers: [['x-a', value]] }))).toEqual(fault);
      expect(refused(allow({ setCookies: [value] }))).toEqual(['a value of set-cookie that no header may have']);
    },
  );

  test.each(['', ':path', ':authority', 'host', 'X-A', 'x a', 'x:a', 'x\n', 'x-ä', 'x\0'])(
    'is a header name like %j; it becomes a 500 refusal',
    (name) => {
      const fault = ['a header name that may not be written'];
      expect(refused(allow({ set: [[name, '1']] }))).toEqual(fault);
      expect(refused(allow({ remove: [name] }))).toEqual(fault);
      expect(refused(answer({ headers: [[name, '1']] }))).toEqual(fault);
    },
  );

  test.each([0, 100, 199, 600, 200.5, NaN, -1, 2 ** 32 + 200])(
    'is HTTP status %d; it becomes a 500 refusal',
    (status) => {
      expect(refused(answer({ status }))).toEqual(['not a final HTTP status']);
    },
  );

  test('is an answer of a code that is not known; it becomes a 500 refusal', () => {
    expect(refused(answer({}, 'no-such-code' as RefusalCode))).toEqual(['the answer cannot be encoded']);
  });
});

describe('any outcome', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/).filter((text) => text !== 'host');
  const value = fc.oneof(
    fc.stringMatching(/^[\t -~]{0,200}$/),
    fc.string({ unit: 'grapheme', maxLength: 200 }).filter((text) => !/\p{Cc}/u.test(text)),
  );
  const pairs = fc.array(fc.tuple(name, value), { maxLength: 8 });

  test('that can be written arrives at the oracle as it was', () => {
    fc.assert(
      fc.property(pairs, fc.array(name), fc.array(value, { maxLength: 3 }), (set, remove, setCookies) => {
        const { ok_response, denied_response, status } = asSent(allow({ set, remove, setCookies }));
        expect([status?.code, denied_response]).toEqual([0, undefined]);
        expect(ok_response?.headers).toEqual(set.map(([key, text]) => option(key, text, 2)));
        expect(ok_response?.response_headers_to_add).toEqual(setCookies.map((text) => option('set-cookie', text, 0)));
        expect(ok_response?.headers_to_remove).toEqual(remove.filter((key) => !set.some(([other]) => other === key)));
      }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        pairs,
        fc.string({ unit: 'grapheme' }),
        (status, headers, body) => {
          const sent = asSent(answer({ status, headers, body }));
          expect(sent.denied_response).toEqual({
            status: { code: status },
            headers: headers.map(([key, text]) => option(key, text, 2)),
            body,
          });
        },
      ),
    );
  });

  test('whatever its text, is an answer with a nonzero status if it is not an allow, and never has an illegal byte', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<'allow' | 'answer'>('allow', 'answer'),
        fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 9 }), fc.string({ unit: 'binary', maxLength: 9 }))),
        fc.oneof(fc.integer(), fc.double()),
        fc.string({ unit: 'binary' }),
        (kind, headers, status, body) => {
          const sent = asSent(kind === 'allow' ? allow({ set: headers }) : answer({ status, headers, body }));
          if (kind === 'answer') expect(sent.status?.code).toBeGreaterThan(0);
          const written = sent.ok_response?.headers ?? sent.denied_response?.headers ?? [];
          for (const { header } of written) {
            expect(header.key).toMatch(/^[!-~]+$/);
            expect(header.value).not.toMatch(/(?!\t)\p{Cc}/u);
          }
        },
      ),
    );
  });
});
