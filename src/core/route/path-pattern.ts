/** The path part of a route: one of `prefix`, `path`, `path_separated_prefix` and `regex`. Compared with the raw path, as sent. */

import type { RouteConfig } from '../config.ts';
import { compileRegex } from '../regex.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { PathPattern } from './route.ts';

const KEYS = ['prefix', 'path', 'path_separated_prefix', 'regex'] as const;

type PatternKey = (typeof KEYS)[number];

/** `key` is the key of the route that is wrong; `message` one sentence. */
export type PatternProblem = { readonly key: PatternKey; readonly message: string };

type PathKeys = Pick<RouteConfig, PatternKey>;

/** No key at all is the whole host (`prefix: /`); two are refused, since only one of them could hold. */
export function parsePathPattern(route: PathKeys): Result<PathPattern, PatternProblem> {
  const given = KEYS.flatMap((key) => {
    const text = route[key];
    return text === undefined ? [] : [{ key, text }];
  });
  const [first = { key: 'prefix' as const, text: '/' }, second] = given;
  if (second !== undefined) {
    return err({
      key: second.key,
      message: `a route has one of ${KEYS.join(', ')}; this one has ${first.key} already`,
    });
  }
  const { key, text } = first;
  if (key === 'regex') {
    const matches = compileRegex(text);
    return matches.ok
      ? ok({ kind: 'regex', source: text, matches: matches.value })
      : err({ key, message: matches.error });
  }
  const fault = faultOfPath(text, key);
  if (fault !== undefined) return err({ key, message: fault });
  return ok(key === 'path' ? { kind: key, path: text } : { kind: key, prefix: text });
}

/** What could never match is said at load: routes see the path as browsers send it, percent-encoded and without query. */
function faultOfPath(text: string, key: Exclude<PatternKey, 'regex'>): string | undefined {
  if (!text.startsWith('/')) return 'must begin with /';
  if (/[?#]/.test(text)) return 'must not have a query or a fragment';
  if (!/^[!-~]+$/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) {
    return 'is compared with the path as sent, so it must be percent-encoded as browsers do it';
  }
  if (key === 'path_separated_prefix' && text.endsWith('/'))
    return 'must not end with /; it matches at segment borders anyway';
  return undefined;
}
