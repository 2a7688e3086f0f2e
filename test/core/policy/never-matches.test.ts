/** Data that no request can meet: it loads, and is told. */

import { describe, expect, test } from '@jest/globals';
import type { Tree } from '../../../src/core/problem.ts';
import { load } from './builders.ts';

const PATH = 'every path begins with `/`, so this never matches';
const METHOD = 'methods are in capitals, so this never matches the usual ones: write `GET`';

describe.each(['strict', 'pomerium'] as const)('%s warns', (semantics) => {
  const warningsOf = (criterion: Tree): readonly string[] =>
    load({ deny: { or: [criterion] } }, { semantics })
      .warnings.map(({ path, message }) => `${path.slice(6).join('.')}: ${message}`)
      .filter((line) => [PATH, METHOD].some((message) => line.endsWith(message)));

  test.each<[Tree, readonly string[]]>([
    [{ http_path: 'public' }, [`http_path: ${PATH}`]],
    [{ http_path: { is: 'a', in: ['/b', 'c'] } }, [`http_path.is: ${PATH}`, `http_path.in.1: ${PATH}`]],
    [{ http_path: { starts_with: 'a' } }, [`http_path.starts_with: ${PATH}`]],
    [{ http_path: { ends_with: '.js', contains: 'x', not: '/y' } }, []],
    [{ http_method: 'get' }, [`http_method: ${METHOD}`]],
    [{ http_method: { in: ['GET', 'Post'] } }, [`http_method.in.1: ${METHOD}`]],
    [{ http_method: 'M-SEARCH' }, []],
  ])('of %j: %j', (criterion, expected) => {
    expect(warningsOf(criterion)).toEqual(expected);
  });
});
