import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { parseChangeWindows } from '../../../src/core/policy/change-window.ts';
import { criteria } from '../../../src/core/policy/registry.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { load } from './builders.ts';

const text = readFileSync(join(process.cwd(), 'docs', 'policy-language.md'), 'utf8');

/** The paragraphs below "Criteria", by name. */
const sections = text
  .slice(text.indexOf('\n## Criteria\n'))
  .split(/\n### /)
  .slice(1)
  .map((section) => ({ name: /^`([a-z_]+)`/.exec(section)?.[1] ?? '', section }));

/** The windows that the paragraph about `change_window` shows. */
const windowsText = /```text\nchange_windows:\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
const changeWindows = parseChangeWindows(
  parse(windowsText) as { readonly [name: string]: Tree },
  [],
  (_path, message) => {
    throw new Error(message);
  },
);

describe('docs/policy-language.md', () => {
  test('has a paragraph for each criterion of the registry, in its order, and for no other', () => {
    expect(sections.map(({ name }) => name)).toEqual(criteria.map(({ name }) => name));
  });

  test.each(criteria.map((criterion) => [criterion.name, criterion] as const))(
    '%s: meaning, data, reasons and an example that loads',
    (name, criterion) => {
      const section = sections.find((entry) => entry.name === name)?.section ?? '';
      // Prose between the heading and the list: at least a sentence.
      const meaning = /^[^\n]*\n\n([\s\S]*?)^- Data: /m.exec(section)?.[1] ?? '';
      expect(meaning).toMatch(/^[A-Z`][^\n]*(?: [^\n]+|\n[^\n]+)[\s\S]*\.\n/);
      expect(/^- Data: ([a-z ]+?)(?: \(`true`\))?$/m.exec(section)?.[1]).toBe(criterion.form);
      const reasons = /^- Reasons: (.*)$/m.exec(section)?.[1] ?? '';
      const named = [...reasons.matchAll(/`([a-z0-9-]+)`/g)].map(([, reason]) => reason);
      expect([...named].sort()).toEqual([...new Set(criterion.reasons)].sort());

      const example = /```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
      const { policy } = load(parse(example) as Tree, {
        hasClientCa: true,
        denyInvalidCertificate: true,
        changeWindows,
        recordSources: new Map([['hr', { foreignKey: 'user.id', maxAgeSeconds: 60, format: 'json' }]]),
      });
      const used = policy.explain({ subject: undefined } as never).criteria.map((entry) => entry.name.split('/')[0]);
      expect(used).toContain(name);
    },
  );

  test('a change of data, reasons or example without its twin is found: each stands there once', () => {
    for (const { section } of sections)
      for (const part of [/^- Data: /gm, /^- Reasons: /gm, /^```yaml$/gm]) expect(section.match(part)).toHaveLength(1);
  });

  test('the example at the top loads', () => {
    const example = /```yaml\npolicy:\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    expect(load(parse(example) as Tree).policy.mayAllowAnonymous).toBe(false);
  });
});
