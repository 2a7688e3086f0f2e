import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseMcpMessage } from '../../../src/core/policy/mcp-message.ts';
import type { McpMessageSource } from '../../../src/core/policy/mcp-message.ts';

const read = (body: string, changes: Partial<McpMessageSource> = {}) =>
  parseMcpMessage({
    method: 'POST',
    contentType: 'application/json',
    body: Buffer.from(body),
    isPartial: false,
    ...changes,
  });

const call = (params: string, rest = ''): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}${rest}}`;

const unreadable = { method: '', tool: undefined, readable: false };

describe('an MCP message', () => {
  test.each([
    ['a call', call('{"name":"search","arguments":{"name":"x","q":[{"name":"y"}]}}'), 'tools/call', 'search'],
    ['a call without an id', '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}', 'tools/call', 'a'],
    ['a name with escapes', call('{"name":"se\\u0061rch"}'), 'tools/call', 'search'],
    ['another method', '{"jsonrpc":"2.0","id":"x","method":"tools/list"}', 'tools/list', undefined],
    ['an answer to the server', '{"jsonrpc":"2.0","id":1,"result":{}}', '', undefined],
    ['an answer with names of its own', '{"jsonrpc":"2.0","id":1,"result":{"Name":"x","method":"y"}}', '', undefined],
    ['an error to the server', '{"jsonrpc":"2.0","id":1,"error":{"code":1}}', '', undefined],
  ])('%s is read', (_what, body, method, tool) => expect(read(body)).toEqual({ method, tool, readable: true }));

  test.each([
    ['nothing', ''],
    ['no JSON', 'not json'],
    ['a byte order mark', '\uFEFF{}'],
    ['a batch', `[${call('{"name":"a"}')}]`],
    ['null', 'null'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"tools/list"}'],
    ['an id that is none', '{"jsonrpc":"2.0","id":true,"method":"tools/list"}'],
    ['neither method nor answer', '{"jsonrpc":"2.0","id":1}'],
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":5}'],
    ['an empty method', '{"jsonrpc":"2.0","id":1,"method":""}'],
    ['an answer that is a call in another case', '{"jsonrpc":"2.0","id":1,"result":{},"Method":"tools/call"}'],
    ['an answer with a rival of NUL', '{"jsonrpc":"2.0","id":1,"result":{},"method\\u0000":"tools/call"}'],
  ])('%s is not', (_what, body) => expect(read(body)).toEqual(unreadable));

  test.each([
    ['without a name', call('{}'), ''],
    ['without parameters', '{"jsonrpc":"2.0","id":1,"method":"tools/call"}', undefined],
    ['with a list of parameters', call('[]'), undefined],
    ['with a name that is no text', call('{"name":5}'), undefined],
    ['with arguments that are no mapping', call('{"name":"a","arguments":[]}'), undefined],
    ['with a name of null', call('{"name":null}'), ''],
    ['with the name twice', call('{"name":"a","name":"b"}'), 'b'],
    ['with the name in another case', call('{"NAME":"a"}'), 'a'],
    ['with the name in two cases', call('{"name":"a","Name":"b"}'), 'b'],
    ['with the parameters twice', call('{"name":"a"}', ',"params":{"name":"b"}'), 'b'],
    ['with the method in two cases', call('{"name":"a"}', ',"Method":"tools/list"'), 'a'],
    ['with a long s in a rival', call('{"name":"a"}', ',"param\u017f":{"name":"b"}'), 'a'],
    ['with a NUL in a rival', call('{"name":"a"}', ',"params\\u0000":{"name":"b"}'), 'a'],
    ['with an escaped rival', call('{"name":"a"}', ',"m\\u0065thod":"tools/call"'), 'a'],
  ])('a call %s says what it could mean, but is not readable', (_what, body, tool) =>
    expect(read(body)).toEqual({ method: 'tools/call', tool, readable: false }),
  );

  test('other media types, and what is cut short, are not read', () => {
    const body = call('{"name":"a"}');
    expect(read(body, { contentType: 'application/json; charset=utf-8' }).readable).toBe(true);
    expect(read(body, { contentType: 'Application/JSON' }).readable).toBe(true);
    expect(read(body, { contentType: 'application/json; charset=utf-7' }).readable).toBe(false);
    expect(read(body, { contentType: 'application/json; charset=utf-8; Charset="UTF-16"' }).readable).toBe(false);
    expect(read(body, { contentType: 'text/plain' })).toEqual(unreadable);
    expect(read(body, { contentType: '' })).toEqual(unreadable);
    expect(read(body, { isPartial: true })).toEqual(unreadable);
  });

  test('a request that opens or ends a stream carries no message', () => {
    expect(read('', { method: 'GET' })).toEqual({ method: '', tool: undefined, readable: true });
    expect(read('x', { method: 'DELETE' })).toEqual(unreadable);
    expect(read('', { method: 'PUT', isPartial: true })).toEqual(unreadable);
  });

  test('where bytes were replaced on the way, a name that may have held them is not readable', () => {
    expect(read(call('{"name":"delete!all"}'), { isLossy: true }).readable).toBe(false);
    expect(read(call('{"name":"delete!all"}')).readable).toBe(true);
    expect(read(call('{"name":"search"}'), { isLossy: true }).readable).toBe(true);
    expect(read('{"jsonrpc":"2.0","method":"tools!"}', { isLossy: true }).readable).toBe(false);
  });

  test('reading never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (body) => expect(typeof read('', { body }).readable).toBe('boolean')));
    fc.assert(
      fc.property(fc.jsonValue(), (params) => {
        const { method } = read(call(JSON.stringify(params)));
        expect(method).toBe('tools/call');
      }),
    );
  });
});
