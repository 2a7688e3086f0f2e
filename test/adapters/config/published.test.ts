import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import type { RouteFile } from '../../../src/adapters/config/schema/route-keys.ts';
import * as file from '../../../src/adapters/config/schema/file-schema.ts';
import type { ConfigFile } from '../../../src/adapters/config/schema/file-schema.ts';
import * as pomerium from '../../../src/adapters/config/schema/pomerium-keys.ts';
import type { IdpFile } from '../../../src/adapters/config/schema/idp-keys.ts';
import type { ServerConfig } from '../../../src/adapters/config/server-config.ts';
import type { AccessConfig, IdpConfig, RouteConfig } from '../../../src/core/config.ts';
import { renderJsonSchema, renderReference } from '../../../tools/config-reference.mjs';
import { PROJECT_ROOT } from '../../support/project.ts';
import { GOOD_FILE } from './good-file.ts';

const source = { ...file, ...pomerium };
const WRITE = 'run `npm run -s build && node tools/write-config-reference.mjs`';

/** `true` when nothing of `Wanted` is missing in `Given`; else what is. */
type Complete<Wanted, Given> = [Exclude<Wanted, Given>] extends [never] ? true : Exclude<Wanted, Given>;

test('every key that the core and the process know can be written in a file', () => {
  const route: Complete<keyof RouteConfig, keyof RouteFile> = true;
  const access: Complete<keyof AccessConfig, keyof ConfigFile> = true;
  const idp: Complete<keyof IdpConfig, keyof IdpFile> = true;
  const server: Complete<keyof ServerConfig, keyof ConfigFile> = true;
  expect([route, access, idp, server]).toEqual([true, true, true, true]);
});

describe('schema/doorward.schema.json', () => {
  const text = readFileSync(`${PROJECT_ROOT}/schema/doorward.schema.json`, 'utf8');
  const ajv = new Ajv({ allErrors: true, strict: false });
  const validate = ajv.compile(JSON.parse(text) as object);

  test(`is what the loader enforces (${WRITE})`, () => {
    expect(renderJsonSchema(source) === text).toBe(true);
  });

  test('says something about every key', () => {
    const missing: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties, ...rest } = schema as {
        properties?: Record<string, { description?: string; title?: string }>;
      };
      for (const [key, property] of Object.entries(properties ?? {})) {
        if (path !== '.runtime_flags' && (property.description === undefined || property.title !== key))
          missing.push(`${path}.${key}`);
        walk(property, `${path}.${key}`);
      }
      for (const inner of Object.values(rest)) if (typeof inner === 'object') walk(inner, path);
    };
    walk(JSON.parse(text), '');
    expect(missing).toEqual([]);
  });

  test('takes a good file, and variables where a text has a form', () => {
    expect(validate(parse(GOOD_FILE))).toBe(true);
    const withVariables = {
      cookie_name: 'x${STAGE}',
      cookie_expire: '${TTL}',
      log_level: '${LEVEL}',
      routes: [{ from: 'https://${HOST}' }],
    };
    expect(validate(withVariables)).toBe(true);
  });

  test.each([
    { cookie_nam: 'x' },
    { log_level: 'loud' },
    { cookie_expire: 'soon' },
    { policy_file: 'x' },
    { downstream_mtls: { match_subject_alt_names: [{}] } },
    { routes: [{ from: 'https://a', mcp: {} }] },
    { routes: [{ prefix: '/' }] },
    { idps: { a: { client_id: 5 } } },
  ])('marks what is wrong in %j', (wrong) => {
    expect(validate(wrong)).toBe(false);
  });
});

describe('docs/configuration.md', () => {
  const text = readFileSync(`${PROJECT_ROOT}/docs/configuration.md`, 'utf8');

  test(`is what the loader enforces (${WRITE})`, () => {
    expect(renderReference(source) === text).toBe(true);
  });

  test('has a heading for every key that is applied, and a word about every other', () => {
    const told = [...text.matchAll(/^### `([a-z_]+)`$/gm)].map(([, key]) => key ?? '');
    expect([...new Set(told)].sort()).toEqual(
      [...new Set([...file.appliedRouteKeys, ...file.appliedGlobalKeys])].filter((key) => key !== 'routes').sort(),
    );
    for (const key of [...Object.keys(pomerium.foreignGlobalKeys), ...Object.keys(pomerium.foreignRouteKeys)])
      expect(text).toContain(`\`${key}\``);
  });

  test('says of every key in a map, or in a map of names, what it means', () => {
    expect(text).not.toContain('undefined');
    const keysIn = (key: string): readonly string[] => {
      const [, body = ''] = text.split(`### \`${key}\``);
      return [...(body.split('\n#')[0] ?? '').matchAll(/^- `([a-z_]+)`/gm)].map(([, name]) => name ?? '');
    };
    expect(keysIn('records')).toEqual(
      expect.arrayContaining([
        'file',
        'url',
        'headers',
        'ca_file',
        'format',
        'key',
        'foreign_key',
        'interval',
        'max_age',
      ]),
    );
    expect(keysIn('change_windows')).toContain('freezes');
    expect(keysIn('shared_signals')).toContain('jwks_uri');
    expect(keysIn('groups')).toContain('claims');
  });

  test('a key of no chapter stops its making', () => {
    const more = { ...source, appliedGlobalKeys: [...file.appliedGlobalKeys, 'new_key'] };
    expect(() => renderReference(more)).toThrow('keys of no chapter: new_key');
  });
});
