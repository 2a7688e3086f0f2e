/** What docs/redis.md shows, as tests use it: exactly what stands there. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../support/project.ts';

const GUIDE = readFileSync(join(PROJECT_ROOT, 'docs', 'redis.md'), 'utf8');

/** All examples under their names. */
export const examples: ReadonlyMap<string, string> = new Map(
  [...GUIDE.matchAll(/<!-- test: ([a-z ]+) -->\n```[a-z]*\n([\s\S]*?)```/g)].map(([, name = '', text = '']) => [
    name,
    text.trim(),
  ]),
);

/** @throws Error where the guide has no such example */
export function example(name: string): string {
  const found = examples.get(name);
  if (found === undefined) throw new Error(`docs/redis.md has no example ${name}`);
  return found;
}

/** The password of the rules in the guide. */
export const ACL_PASSWORD = 'the-password';
export const ACL_USER = 'doorward';

/** The words after `ACL` of a rule. */
export const aclWords = (name: string): readonly string[] => example(name).split(' ').slice(1);
