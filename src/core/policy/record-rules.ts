/** From `records` and `groups` of the configuration to what judges by them. */

import type { AccessConfig } from '../config.ts';
import type { Problem } from '../problem.ts';
import { err, ok, type Result } from '../result.ts';
import { meant } from './parse.ts';
import type { RecordSourceRules } from './records.ts';
import type { GroupsRule } from './user-groups.ts';

export const recordRulesOf = ({ records = [] }: Pick<AccessConfig, 'records'>): RecordSourceRules =>
  new Map(
    records.map(({ name, foreign_key, max_age, format }) => [
      name,
      { foreignKey: foreign_key, maxAgeSeconds: max_age, format },
    ]),
  );

/** Undefined = the claim `groups`. */
export function groupsRuleOf(
  { groups }: Pick<AccessConfig, 'groups'>,
  rules: RecordSourceRules,
): Result<GroupsRule | undefined, Problem> {
  if (groups === undefined) return ok(undefined);
  if ('claims' in groups) return ok({ kind: 'claims', names: groups.claims });
  const { source, field } = groups;
  const rule = rules.get(source);
  const path = ['groups', 'source'];
  if (rule === undefined) {
    const message = `\`records\` has no source \`${source}\`${meant(source, [...rules.keys()])}`;
    return err({ severity: 'error', path, message });
  }
  if (rule.foreignKey === 'user.id' || rule.foreignKey === 'user.email')
    return ok({ kind: 'source', source, field, rule });
  const message = `groups are of users: the source needs \`foreign_key: user.id\` or \`user.email\`, not \`${rule.foreignKey}\``;
  return err({ severity: 'error', path, message });
}
