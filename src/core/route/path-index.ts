/** PathIndex: the first listed route of one host whose pattern matches a path, without trying each. */

import type { PathPattern } from './route.ts';
import { createPrefixTrie } from './prefix-trie.ts';

/** Larger than any index: no route. */
export const NONE = Number.MAX_SAFE_INTEGER;

export type PathIndex = {
  /** `index` is the place in the listed order; must be called in that order. */
  add(pattern: PathPattern, index: number): void;
  /** The lowest index of a matching route, NONE if no one matches. `path` raw. */
  find(path: string): number;
};

type Regex = { readonly index: number; readonly matches: (path: string) => boolean };

export function createPathIndex(): PathIndex {
  /** Routes of the whole host (`prefix: /`). The only ones for targets without a path: `*`, CONNECT. */
  let wholeHost = NONE;
  const exact = new Map<string, number>();
  /** One index each: the first listed one, which hides the others. */
  const prefixes = createPrefixTrie<number>();
  /** By the text that each path of the expression must begin with. */
  const regexes = createPrefixTrie<Regex>();

  const known = new Set<string>();
  const addExact = (path: string, index: number): void => {
    if (!exact.has(path)) exact.set(path, index);
  };
  const addPrefix = (prefix: string, index: number): void => {
    if (!known.has(prefix)) prefixes.add(prefix, index);
    known.add(prefix);
  };

  return {
    add(pattern, index) {
      switch (pattern.kind) {
        case 'path':
          addExact(pattern.path, index);
          break;
        case 'prefix':
          if (pattern.prefix === '/') wholeHost = Math.min(wholeHost, index);
          addPrefix(pattern.prefix, index);
          break;
        case 'path_separated_prefix':
          addExact(pattern.prefix, index);
          addPrefix(`${pattern.prefix}/`, index);
          break;
        case 'regex':
          regexes.add(literalPrefix(pattern.source), { index, matches: pattern.matches });
      }
    },

    find(path) {
      if (!path.startsWith('/')) return wholeHost;
      let best = exact.get(path) ?? NONE;
      prefixes.forEachPrefixOf(path, (indexes) => {
        for (const index of indexes) best = Math.min(best, index);
      });
      regexes.forEachPrefixOf(path, (candidates) => {
        for (const { index, matches } of candidates) {
          if (index >= best) return;
          if (matches(path)) best = index;
        }
      });
      return best;
    },
  };
}

/**
 * Text that every match of the expression begins with; shorter than it could be wherever that is not plain to see. An alternative or a
 * flag could change the meaning of all that stands before it, so that expressions with either have none.
 */
export function literalPrefix(source: string): string {
  if (/[|]|\(\?/.test(source)) return '';
  let literal = '';
  let at = source.startsWith('^') ? 1 : 0;
  for (;;) {
    // A character that means itself: an ordinary one, or an escaped sign (`\.`).
    const match = /^(?:[A-Za-z0-9/_~:@!&=,;%<>"'#` -]|\\[./_~:@!&=,;%-])/.exec(source.slice(at, at + 2));
    if (match === null) return literal;
    at += match[0].length;
    // What may be repeated may be absent; `+` keeps one.
    if (/^[*?{]/.test(source.slice(at, at + 1))) return literal;
    literal += match[0].slice(-1);
  }
}
