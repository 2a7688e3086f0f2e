/** Turns what ajv finds into one sentence for each place, in the words of the schema (`errorMessage`). Never quotes a value. */

import type { ErrorObject } from 'ajv';
import type { Problem, Tree, TreePath } from '../../core/problem.ts';
import { appliedGlobalKeys, appliedRouteKeys } from './schema/file-schema.ts';
import { suggest } from './suggest.ts';
import { valueAt } from './tree.ts';

/** An error of ajv with its place as a path of the tree that was checked. */
export type PlacedError = { readonly path: TreePath; readonly error: ErrorObject };

/** Names of keys are shown; what is longer is no name. */
const SHOWN_CHARS_MAX = 64;

export function describeErrors(tree: Tree, errors: readonly PlacedError[]): readonly Problem[] {
  const problems: Problem[] = [];
  const told = new Set<string>();
  // The complaint about a value as a whole has the words for all its forms.
  const ordered = [...errors].sort((a, b) => Number(b.error.keyword === 'anyOf') - Number(a.error.keyword === 'anyOf'));
  for (const placed of ordered) {
    const problem = describe(tree, placed);
    const place = JSON.stringify(problem.path);
    if (told.has(place)) continue;
    told.add(place);
    problems.push(problem);
  }
  return problems;
}

function describe(tree: Tree, { path, error }: PlacedError): Problem {
  const params = error.params as { readonly [name: string]: unknown };
  if (error.keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    return { severity: 'error', path: [...path, key], atKey: true, message: describeUnknownKey(key, path, error) };
  }
  if (error.keyword === 'required') {
    const key = String(params['missingProperty']);
    return { severity: 'error', path: [...path, key], message: `\`${key}\` is missing` };
  }
  const propertyName = error.propertyName ?? params['propertyName'];
  if (typeof propertyName === 'string') {
    const rule = ownMessage(error) ?? 'has a key that is not possible here';
    return { severity: 'error', path: [...path, propertyName], atKey: true, message: `${nameOf(path)} ${rule}` };
  }
  const message = `${nameOf(path)} ${describeValue(tree, path, error)}`;
  const isAboutKey = error.keyword === 'not' || valueAt(tree, path) === null;
  return { severity: 'error', path, message, ...(isAboutKey ? { atKey: true } : {}) };
}

function describeValue(tree: Tree, path: TreePath, error: ErrorObject): string {
  const value = valueAt(tree, path);
  if (error.keyword !== 'not' && value === null) return 'has no value: give it one, or remove the key';
  const known = (error.params as { readonly allowedValues?: unknown }).allowedValues;
  const nearest =
    error.keyword === 'enum' && typeof value === 'string' && Array.isArray(known)
      ? suggest(
          value,
          known.filter((word) => typeof word === 'string'),
        )
      : undefined;
  const rule = ownMessage(error) ?? 'has a value that is not possible here';
  return nearest === undefined ? rule : `${rule}; did you mean \`${nearest}\`?`;
}

function describeUnknownKey(key: string, path: TreePath, error: ErrorObject): string {
  if (key === '<<') return 'merge keys (`<<`) are not supported: use an alias for a whole value, or repeat the keys';
  const known = (error.parentSchema as { readonly properties?: object } | undefined)?.properties ?? {};
  const unknown = `unknown key \`${show(key)}\``;
  const nearest = suggest(key, Object.keys(known));
  if (nearest !== undefined) return `${unknown}; did you mean \`${nearest}\`?`;
  if (path.length === 0 && appliedRouteKeys.includes(key)) return `${unknown}: it belongs to a route, below \`routes\``;
  if (path.length > 0 && appliedGlobalKeys.includes(key)) return `${unknown}: it belongs to the top of the file`;
  return unknown;
}

const ownMessage = (error: ErrorObject): string | undefined => {
  const message = (error.parentSchema as { readonly errorMessage?: unknown } | undefined)?.errorMessage;
  return typeof message === 'string' ? message : undefined;
};

/** `allowed_users` for the key, `allowed_users[1]` for an item, `redis.port` below a section. */
function nameOf(path: TreePath): string {
  if (path.length === 0) return 'the file';
  const isInRoute = path.length >= 2 && (path[0] === 'routes' || path[0] === 'policy');
  if (isInRoute && path.length === 2) return 'a route';
  const steps = isInRoute ? path.slice(2) : path;
  const name = steps
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${show(step)}`))
    .join('');
  return `\`${name}\``;
}

/** Without what would move a terminal's cursor or fill its screen. */
export const show = (key: string): string =>
  key.length > SHOWN_CHARS_MAX
    ? `${key.slice(0, SHOWN_CHARS_MAX)}...`
    : key.replaceAll(/[^\x20-\x7e\u00a0-\ud7ff]/g, '?');
