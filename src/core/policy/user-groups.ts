/** The groups of a user, ids and names alike, from claims or from a source of records: `groups` of the configuration. */

import type { ClaimValue } from '../session/session.ts';
import type { PolicyFacts, Subject } from './facts.ts';
import type { RecordRow } from './record-snapshot.ts';
import type { RecordSourceRule } from './records.ts';
import { findRecord } from './records.ts';

export type GroupsRule =
  /** Claims whose values are groups; all of them together. */
  | { readonly kind: 'claims'; readonly names: readonly string[] }
  | { readonly kind: 'source'; readonly source: string; readonly field: string; readonly rule: RecordSourceRule };

/** The rule as a text of its own, for records; undefined for the claim `groups`. Where the data of a source comes from is no part of it. */
export const groupsRuleText = (rule: GroupsRule | undefined): string | undefined =>
  rule === undefined
    ? undefined
    : JSON.stringify(
        rule.kind === 'claims'
          ? { claims: rule.names }
          : { source: rule.source, field: rule.field, foreign_key: rule.rule.foreignKey },
      );

/** In one text, groups stand between semicolons. */
const SEPARATOR = ';';

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);

type Found = RecordRow | undefined | 'unknown';
type Remembered = { readonly found: Found; readonly subject: Subject };

/** The last for each rule and Subject: what is told of one to applications goes by it, and a shadow may have another rule. */
const remembered = new WeakMap<GroupsRule, WeakMap<Subject, Remembered>>();

/** The subject with the groups that the rule gives it; nobody stays nobody. */
export function subjectWithGroups(facts: PolicyFacts, rule: GroupsRule): Subject | undefined {
  const { subject } = facts;
  if (subject === undefined) return undefined;
  const found = rule.kind === 'source' ? findRecord(facts, rule.source, rule.rule) : undefined;
  const ofRule = remembered.get(rule) ?? new WeakMap<Subject, Remembered>();
  remembered.set(rule, ofRule);
  const last = ofRule.get(subject);
  if (last?.found === found && last !== undefined) return last.subject;
  const made: Subject =
    found === 'unknown'
      ? { ...subject, groups: undefined, groupsUnknown: true }
      : {
          ...subject,
          groups: rule.kind === 'source' ? groupsOfRow(found, rule.field) : groupsOfClaims(subject, rule.names),
        };
  ofRule.set(subject, { found, subject: made });
  return made;
}

function groupsOfRow(row: RecordRow | undefined, field: string): readonly string[] | undefined {
  const value = row !== undefined && Object.hasOwn(row, field) ? (row[field] ?? null) : null;
  if (value === null) return undefined;
  return groupTexts(isList(value) ? value : typeof value === 'string' ? splitText(value) : [value]);
}

const splitText = (text: string): readonly string[] => text.split(SEPARATOR).map((group) => group.trim());

/** What userinfo says wins over the ID token, claim by claim. */
function groupsOfClaims(subject: Subject, names: readonly string[]): readonly string[] | undefined {
  const found = names.flatMap((name) => subject.userClaims.get(name) ?? subject.sessionClaims.get(name) ?? []);
  const isSaid = names.some((name) => subject.userClaims.has(name) || subject.sessionClaims.has(name));
  return isSaid ? groupTexts(found) : undefined;
}

/** Ids and names, each once: of an entry that is a text or a number, it; of one that is an object, its `id` and `name`. */
export function groupTexts(values: readonly ClaimValue[]): readonly string[] {
  const texts = values.flatMap((value): readonly ClaimValue[] =>
    typeof value === 'object' && value !== null && !isList(value)
      ? [value['id'] ?? null, value['name'] ?? null]
      : [value],
  );
  const known = texts.flatMap((text) =>
    typeof text === 'number' ? String(text) : typeof text === 'string' ? text : [],
  );
  return [...new Set(known)].filter((text) => text !== '');
}
