/** caseOfOptions: the case that the options of `doorward explain` describe. They say what a case file says, in fewer words. */

import type { AccessCase } from '../core/cases/access-case.ts';
import { CaseProblems } from '../core/cases/case-fields.ts';
import { parseCase } from '../core/cases/parse-case.ts';
import type { Tree } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';

export type CaseOptions = {
  /** `sub`, or an e-mail address, which is both then. */
  readonly user?: string;
  readonly email?: string;
  readonly group?: readonly string[];
  /** `name=value`; the value is JSON where it can be read as such. */
  readonly claim?: readonly string[];
  readonly idp?: string;
  readonly acr?: string;
  readonly risk?: string;
  readonly authTime?: string;
  readonly method?: string;
  readonly time?: string;
  readonly ip?: string;
  /** `name: value` */
  readonly header?: readonly string[];
  readonly body?: string;
  readonly route?: string;
};

/** The error has one sentence for each problem. */
export function caseOfOptions(url: string, options: CaseOptions): Result<AccessCase, readonly string[]> {
  const { user, email, group, claim = [], header = [] } = options;
  const faults = [
    ...claim.filter((text) => !/^[^=]+=/.test(text)).map((text) => `--claim ${text}: write name=value`),
    ...header.filter((text) => !/^[^:]+:/.test(text)).map((text) => `--header ${text}: write "name: value"`),
    ...(user === undefined &&
    [email, group, options.idp, options.acr, options.risk, options.authTime].some((one) => one !== undefined)
      ? ['there is no --user whom this is about']
      : []),
  ];
  const subject = compact({
    user,
    email: email ?? (user?.includes('@') === true ? user : undefined),
    groups: group,
    claims: claim.length === 0 ? undefined : grouped(claim.map((text) => splitAt(text, '=')).map(readJson)),
    idp: options.idp,
    acr: options.acr,
    risk: options.risk,
    auth_time: options.authTime,
  });
  const request = compact({
    method: options.method,
    url,
    headers: header.length === 0 ? undefined : grouped(header.map((text) => splitAt(text, ':'))),
    body: options.body,
    ip: options.ip,
    route: options.route,
  });
  const problems = new CaseProblems();
  const given = parseCase(
    compact({ subject: user === undefined ? undefined : subject, request, time: options.time }),
    [],
    problems,
  );
  faults.push(...problems.found.map(({ message }) => message));
  return given === undefined || faults.length > 0 ? err(faults) : ok(given);
}

type Entry = readonly [name: string, value: Tree];

function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function readJson([name, text]: readonly [string, string]): Entry {
  try {
    return [name, JSON.parse(text) as Tree];
  } catch {
    return [name, text];
  }
}

/** What is said more than once is a list. */
function grouped(entries: readonly Entry[]): Tree {
  const byName = new Map<string, Tree[]>();
  for (const [name, value] of entries) byName.set(name, [...(byName.get(name) ?? []), value]);
  return Object.fromEntries(
    [...byName].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? null) : values]),
  );
}

const compact = (entries: { readonly [key: string]: Tree | undefined }): { readonly [key: string]: Tree } =>
  Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, Tree] => entry[1] !== undefined));
