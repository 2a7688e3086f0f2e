import { expect, test } from '@jest/globals';

import { importPomeriumCommand, type ImportedFile } from '../../src/cli/import-pomerium.ts';

const keys: ImportedFile['keys'] = [
  { line: 1, column: 1, key: 'address', verdict: 'envoy' },
  { line: 2, column: 1, key: 'policy', verdict: 'applies', notes: ['the note'] },
];
const refused: ImportedFile['keys'] = [{ line: 3, column: 5, key: '', verdict: 'refused', why: 'the reason' }];

async function run(
  file: Partial<ImportedFile>,
  options: {
    readonly target?: string;
    readonly output?: 'text' | 'json';
    readonly color?: boolean;
    readonly fault?: Error;
  } = {},
): Promise<{ readonly code: number; readonly text: string; readonly saved: readonly string[] }> {
  let text = '';
  const saved: string[] = [];
  const code = await importPomeriumCommand({
    file: 'config.yaml',
    load: () => Promise.resolve({ keys, problems: [], routes: 2, text: (target) => `for ${target}`, ...file }),
    write: (more) => (text += more),
    output: options.output ?? 'text',
    color: options.color ?? false,
    target: options.target,
    save: (path, content) => {
      saved.push(path, content);
      return options.fault === undefined ? Promise.resolve() : Promise.reject(options.fault);
    },
  });
  return { code, text, saved };
}

test('each key with its place, its fate and what is to be said of it', async () => {
  expect(await run({})).toEqual({
    code: 0,
    saved: [],
    text: `config.yaml:1:1: address: belongs to Envoy
config.yaml:2:1: policy: applies
config.yaml:2:1: policy: note: the note
1 applied, 1 for Envoy, 0 ignored, 0 refused
ok: 2 routes
`,
  });
});

test('the file is saved for its place, unless something is refused', async () => {
  expect((await run({ routes: 1 }, { target: 'out.yaml' })).text).toMatch(/ok: 1 route\nwritten: out\.yaml\n$/);
  expect((await run({}, { target: 'out.yaml' })).saved).toEqual(['out.yaml', 'for out.yaml']);
  for (const unusable of [{ keys: refused }, { routes: undefined }])
    expect(await run(unusable, { target: 'out.yaml' })).toMatchObject({ code: 1, saved: [] });
  expect((await run({ keys: refused })).text).toContain('config.yaml:3:5: refused: the reason\n');
});

test('a file that cannot be read, and one that cannot be written, end with 2 and say why', async () => {
  const problem = { severity: 'error', file: 'config.yaml', line: 1, column: 1, message: 'no' } as const;
  const unread = { keys: [], problems: [problem], routes: undefined };
  expect(await run(unread, { target: 'out.yaml' })).toMatchObject({ code: 2, saved: [] });
  const fault = new Error('out.yaml is there already');
  const { code, text } = await run({}, { target: 'out.yaml', fault });
  expect(code).toBe(2);
  expect(text).toMatch(/^config\.yaml:1:1: address: .*\nok: 2 routes\nnot written: out\.yaml is there already\n$/s);
  const json = await run({}, { target: 'out.yaml', fault, output: 'json' });
  expect(JSON.parse(json.text)).toMatchObject({ ok: false, error: 'out.yaml is there already', keys });
  expect(JSON.parse(json.text)).not.toHaveProperty('written');
});

test('in colour, and as JSON', async () => {
  const coloured = await run({ keys: [...keys, ...refused] }, { color: true });
  expect(coloured.text).toContain('address: \x1b[34mbelongs to Envoy\x1b[0m\n');
  expect(coloured.text).toContain('\x1b[33mnote\x1b[0m: the note\n');
  const good = await run({}, { output: 'json', target: 'out.yaml' });
  expect(JSON.parse(good.text)).toMatchObject({ ok: true, routes: 2, written: 'out.yaml', keys });
  const bad = await run({ keys: refused }, { output: 'json', target: 'out.yaml' });
  expect(JSON.parse(bad.text)).toEqual({
    ok: false,
    counts: { applies: 0, envoy: 0, ignored: 0, refused: 1 },
    keys: refused,
    problems: [],
  });
});
