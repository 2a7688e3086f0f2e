/** From places in the tree to lines and columns of the file. */

import type { LocatedProblem, Problem, TreePath } from '../../core/problem.ts';
import { valueAt } from './tree.ts';
import type { YamlTree } from './yaml-tree.ts';

/** In order of position, each told once. */
export type Locate = (problems: readonly Problem[]) => readonly LocatedProblem[];

/** What the core calls by one name and a file may call by another. */
const OTHER_NAMES: { readonly [path: string]: readonly string[] } = {
  auth_url: ['authenticate_service_url'],
  session_lifetime: ['cookie_expire'],
  'downstream_mtls.ca': ['client_ca', 'client_ca_file'],
  'downstream_mtls.crl': ['client_crl', 'client_crl_file'],
};

export function createLocator(source: {
  readonly file: string;
  readonly yaml: YamlTree;
  readonly routePath: (index: number) => TreePath;
}): Locate {
  const { file, yaml, routePath } = source;

  const inFile = (path: TreePath): TreePath => {
    const [key, index, ...rest] = path;
    if (key === 'routes' && typeof index === 'number' && valueAt(yaml.tree, path.slice(0, 2)) === undefined)
      return inFile([...routePath(index), ...rest]);
    if (valueAt(yaml.tree, path) !== undefined) return path;
    const asFile = [...path.slice(0, -1), `${String(path.at(-1))}_file`];
    const others = [asFile, ...(OTHER_NAMES[path.join('.')] ?? []).map((name) => [name])];
    return others.find((other) => valueAt(yaml.tree, other) !== undefined) ?? path;
  };

  return (problems) => {
    const located = new Map<string, LocatedProblem>();
    for (const { severity, path, message, atKey } of problems) {
      const problem = { severity, file, ...yaml.positionOf(inFile(path), atKey ?? false), message };
      // What stands behind an alias is found once for each use, and is one problem.
      located.set(`${problem.line}:${problem.column}:${message}`, problem);
    }
    return [...located.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  };
}
