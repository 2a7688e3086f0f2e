/** One notice for each key that is Pomerium's and has no effect here, wherever and however often it stands. */

import type { Tree, TreePath } from '../../core/problem.ts';
import type { ProblemList } from './problem-list.ts';
import { foreignGlobalKeys, foreignRouteKeys } from './schema/pomerium-keys.ts';
import type { ForeignKeys } from './schema/pomerium-keys.ts';
import { entriesOf, valueAt } from './tree.ts';

export function foreignKeyNotices(tree: Tree, problems: ProblemList): void {
  for (const [key] of entriesOf(tree)) notice(String(key), [key], foreignGlobalKeys, 0, problems);
  const found = new Map<string, { readonly path: TreePath; count: number }>();
  for (const list of ['policy', 'routes'])
    for (const [index, route] of entriesOf(valueAt(tree, [list])))
      for (const [key] of entriesOf(route)) {
        const seen = found.get(String(key));
        if (seen === undefined) found.set(String(key), { path: [list, index, key], count: 1 });
        else seen.count += 1;
      }
  for (const [key, { path, count }] of found) notice(key, path, foreignRouteKeys, count - 1, problems);
}

function notice(key: string, path: TreePath, known: ForeignKeys, more: number, problems: ProblemList): void {
  const foreign = Object.hasOwn(known, key) ? known[key] : undefined;
  if (foreign === undefined || foreign.fate === 'refused') return;
  const also = more === 0 ? '' : ` (and so in ${more} more route${more === 1 ? '' : 's'})`;
  const why = foreign.fate === 'envoy' ? 'belongs to Envoy, and has no effect here' : `is not used: ${foreign.why}`;
  problems.notice(path, `\`${key}\` ${why}${also}`);
}
