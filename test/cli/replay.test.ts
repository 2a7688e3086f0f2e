/** `doorward replay`: what would change, counted by route and subject; what cannot be known is said, and what is no record is counted. */

import { describe, expect, test } from '@jest/globals';

import { replayCommand, type Judge } from '../../src/cli/replay.ts';

const aRecord = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  v: 2,
  time: 1_768_478_400,
  request_id: 'r-1',
  decision: 'allow',
  code: 'allow',
  route: 'grafana',
  rule: 'allow[0].or',
  subject: 'alice-1',
  email: 'alice@example.com',
  identity: { state: 'none' },
  client_address: '192.0.2.1',
  client_address_from: 'peer',
  method: 'GET',
  host: 'grafana.example.com',
  path: '/d/1',
  ...changes,
});

async function replay(
  lines: readonly (string | Record<string, unknown>)[],
  judge: Judge,
  output: 'text' | 'json' = 'text',
): Promise<{ code: number; out: string; errors: string }> {
  const written: string[] = [];
  const errors: string[] = [];
  const code = await replayCommand({
    load: () => Promise.resolve({ ok: true, value: judge }),
    lines: async function* () {
      for (const line of lines) yield await Promise.resolve(typeof line === 'string' ? line : JSON.stringify(line));
    },
    write: (text) => written.push(text),
    writeError: (text) => errors.push(text),
    output,
    color: false,
  });
  return { code, out: written.join(''), errors: errors.join('') };
}

const denies: Judge = () => ({
  kind: 'decided',
  is: 'deny',
  route: 'grafana',
  rule: 'deny[0].or',
  reasons: ['http-path-ok'],
});
const allows: Judge = () => ({ kind: 'decided', is: 'allow', route: 'grafana', rule: undefined, reasons: [] });
const lacksGroups: Judge = () => ({ kind: 'undecided', route: 'grafana', lacking: ['groups'] });

describe('doorward replay', () => {
  test('exits 0 where no decision would change', async () => {
    const { code, out } = await replay([aRecord(), aRecord()], allows);
    expect(code).toBe(0);
    expect(out).toContain('0 changed, 2 the same, 0 undecided');
  });

  test('lists each changed decision and counts them by route and subject, and exits 1', async () => {
    const anonymous = aRecord({ subject: undefined, email: undefined, route: undefined });
    const { code, out } = await replay([aRecord(), aRecord(), anonymous], denies);
    expect(code).toBe(1);
    expect(out).toContain(
      '2026-01-15T12:00:00.000Z allow -> deny  alice@example.com  GET grafana.example.com/d/1  grafana (deny[0].or, http-path-ok)  r-1',
    );
    expect(out).toContain('3  grafana: allow -> deny');
    expect(out).toContain('2  alice@example.com: allow -> deny');
    expect(out).toContain('1  (anonymous): allow -> deny');
  });

  test('says what is undecided by what is lacking, and does not call it a change', async () => {
    const { code, out } = await replay([aRecord(), aRecord()], lacksGroups);
    expect(code).toBe(0);
    expect(out).toContain('2  grafana: allow -> groups');
    expect(out).toContain('0 changed, 0 the same, 2 undecided');
  });

  test('counts own endpoints, errors, bad requests and malformed lines apart', async () => {
    const { code, out } = await replay(
      [
        aRecord({ decision: 'respond', code: 'user' }),
        aRecord({ decision: 'error', code: 'unavailable' }),
        aRecord({ decision: 'deny', code: 'bad-request' }),
        JSON.stringify({ v: 2, kind: 'administration', action: 'revoke', target: { kind: 'all' } }),
        aRecord({ decision: 'deny', code: '__proto__' }),
        '{"v":2',
        '"text"',
        aRecord({ v: 1 }),
        '',
      ],
      allows,
    );
    expect(code).toBe(0);
    expect(out).toContain(
      'not judged: 1 own endpoints, 1 errors, 2 bad requests, 1 changes by administrators, 3 lines that are no record',
    );
    expect(out).toContain('line 6: not JSON');
    expect(out).toContain('line 8: not an audit record of version 2');
  });

  test('takes a path of its own under the new configuration for an own endpoint', async () => {
    expect((await replay([aRecord()], () => ({ kind: 'own' }))).out).toContain('1 own endpoints');
  });

  test('writes one JSON document', async () => {
    let count = 0;
    const each: Judge = (record) => [denies, lacksGroups, allows][count++ % 3]?.(record) ?? { kind: 'own' };
    const { code, out } = await replay([aRecord(), aRecord(), aRecord(), 'x'], each, 'json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      requests: [
        {
          request_id: 'r-1',
          time: 1_768_478_400,
          subject: 'alice-1',
          email: 'alice@example.com',
          method: 'GET',
          host: 'grafana.example.com',
          path: '/d/1',
          was: { decision: 'allow', route: 'grafana', rule: 'allow[0].or' },
          is: { decision: 'deny', route: 'grafana', rule: 'deny[0].or', reasons: ['http-path-ok'] },
        },
        expect.objectContaining({ is: { decision: 'undecided', route: 'grafana', lacking: ['groups'] } }),
      ],
      counts: {
        changed: 1,
        same: 1,
        undecided: 1,
        malformed: 1,
        own: 0,
        error: 0,
        'bad-request': 0,
        administration: 0,
      },
      changed_by_route: [{ route: 'grafana', was: 'allow', is: 'deny', count: 1 }],
      changed_by_subject: [{ subject: 'alice@example.com', was: 'allow', is: 'deny', count: 1 }],
      undecided_by_route: [{ route: 'grafana', was: 'allow', lacking: 'groups', count: 1 }],
      malformed_lines: [{ line: 4, why: 'not JSON' }],
    });
  });

  test.each([
    ['nothing', []],
    ['no records', ['a line of another log', { level: 30, msg: 'started' }, '']],
  ])('of a file with %s it is said that nothing was judged, and it exits 2', async (_what, lines) => {
    const { code, errors } = await replay(lines, allows);
    expect({ code, errors }).toEqual({ code: 2, errors: expect.stringContaining('there is no audit record') });
    const json = await replay(lines, allows, 'json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({
      requests: [],
      counts: { changed: 0, same: 0 },
      error: expect.stringContaining('there is no audit record'),
    });
  });

  test('answers of own endpoints alone are records, of which none would change', async () => {
    expect(
      await replay([aRecord({ code: 'own', decision: 'own', endpoint: 'home' })], () => ({ kind: 'own' })),
    ).toMatchObject({
      code: 0,
      errors: '',
    });
  });

  test('a last line that was torn off is counted, and the others are judged', async () => {
    const torn = JSON.stringify(aRecord()).slice(0, 40);
    const { code, out } = await replay([aRecord(), torn], denies);
    expect(code).toBe(1);
    expect(out).toContain('line 2: not JSON');
    expect(out).toContain('1 changed, 0 the same');
  });

  test('JSON stays one document where the configuration is no good, or the audit breaks off', async () => {
    const problem = { severity: 'error', file: 'new.yaml', line: 3, column: 1, message: 'no' } as const;
    const run = async (isGood: boolean): Promise<unknown> => {
      let out = '';
      const code = await replayCommand({
        load: () => Promise.resolve(isGood ? { ok: true, value: denies } : { ok: false, error: [problem] }),
        lines: async function* () {
          yield JSON.stringify(aRecord());
          yield await Promise.reject(new Error('audit.jsonl is a directory'));
        },
        write: (text) => (out += text),
        writeError: () => undefined,
        output: 'json',
        color: false,
      });
      expect(code).toBe(2);
      return JSON.parse(out);
    };
    expect(await run(false)).toEqual({ requests: [], problems: [problem] });
    expect(await run(true)).toMatchObject({
      requests: [{ was: { decision: 'allow' }, is: { decision: 'deny' } }],
      counts: { changed: 1 },
      error: 'the audit cannot be read: audit.jsonl is a directory',
    });
  });

  test('exits 2 where the configuration or the audit cannot be read', async () => {
    const errors: string[] = [];
    const command = {
      write: () => undefined,
      writeError: (text: string) => errors.push(text),
      output: 'text',
      color: false,
    } as const;
    const problem = { severity: 'error', file: 'new.yaml', line: 3, column: 1, message: 'no' } as const;
    const lines = async function* (): AsyncGenerator<string> {
      yield await Promise.reject(new Error('ENOENT: no such file'));
    };
    expect(
      await replayCommand({ ...command, lines, load: () => Promise.resolve({ ok: false, error: [problem] }) }),
    ).toBe(2);
    expect(await replayCommand({ ...command, lines, load: () => Promise.resolve({ ok: true, value: allows }) })).toBe(
      2,
    );
    expect(errors.join('')).toContain('new.yaml:3:1');
    expect(errors.join('')).toContain('the audit cannot be read: ENOENT');
  });

  test('shows no control character of a client on the terminal', async () => {
    const { out } = await replay([aRecord({ path: '/\u001b[2J', email: '\u009bx' })], denies);
    // eslint-disable-next-line no-control-regex -- these are what must not be there
    expect(/[\u001b\u009b]/.test(out)).toBe(false);
  });

  test('keeps a bounded number of counts', async () => {
    const lines = Array.from({ length: 10_005 }, (_, index) => aRecord({ email: `u${index}@example.com` }));
    const { out } = await replay(lines, denies);
    expect(out).toContain('5  (others): allow -> deny');
  });
});
