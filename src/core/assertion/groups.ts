/** Which groups of a user an upstream is told of. */

import type { Claims } from '../session/session.ts';
import { goNumber, scalarTexts } from './claim-text.ts';

/** What a directory says of a user: the ids of the groups, and the name of each that has one. */
export type DirectoryGroups = {
  readonly ids: readonly string[];
  nameOf(id: string): string | undefined;
};

/** Groups to tell of, from `jwt_groups_filter` of all and of the route together; undefined = all. */
export type GroupsFilter = ReadonlySet<string> | undefined;

export const groupsFilter = (global: readonly string[], ofRoute: readonly string[] | undefined): GroupsFilter => {
  const listed = new Set([...global, ...(ofRoute ?? [])]);
  return listed.size === 0 ? undefined : listed;
};

/** The listed ones, in their order. */
export const filterGroups = (groups: readonly string[], filter: GroupsFilter): readonly string[] =>
  filter === undefined ? groups : groups.filter((group) => filter.has(group));

/**
 * In the Pomerium semantics: the directory's ids that the filter lists, and behind them the names of those. Where the directory knows no id of
 * the user it is the `groups` claim of the session, which no filter applies to.
 */
export function pomeriumGroups(
  directory: DirectoryGroups | undefined,
  sessionClaims: Claims,
  filter: GroupsFilter,
): readonly string[] {
  if (directory === undefined || directory.ids.length === 0) {
    return scalarTexts(sessionClaims.get('groups') ?? [], goNumber);
  }
  const ids = filterGroups(directory.ids, filter);
  return [...ids, ...ids.map((id) => directory.nameOf(id)).filter((name) => name !== undefined)];
}
