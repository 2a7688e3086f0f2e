/**
 * parseCase: a case from plain data:
 *
 *   subject: { user, email, name, groups, claims, userinfo, idp, auth_time, acr, risk }
 *   request: { method, url | host + path, headers, body, ip, certificate, route }
 *   time: 2026-03-04T09:30:00Z
 *   records: { <source>: [ { <field>: ... } ] }
 *
 * Finds every problem. Makes nothing up: what a case does not say is not there.
 */

import { isList, isObject, type TreeObject } from '../policy/tree.ts';
import type { CertificateFacts } from '../policy/facts.ts';
import type { Tree, TreePath } from '../problem.ts';
import { parseIp } from '../request/ip-address.ts';
import { flattenClaims } from '../session/claims.ts';
import { noClaims, type Claims } from '../session/session.ts';
import { isRiskLevel, type RiskLevel } from '../signals/user-fact.ts';
import type { CaseRecords } from './case-records.ts';
import type { AccessCase, CaseRequest, CaseSubject } from './access-case.ts';
import { CaseFields, isTexts, type CaseProblems } from './case-fields.ts';

export const caseKeys = ['subject', 'request', 'time', 'records'] as const;

const SUBJECT_KEYS = ['user', 'email', 'name', 'groups', 'claims', 'userinfo', 'idp', 'auth_time', 'acr', 'risk'];
const REQUEST_KEYS = ['method', 'url', 'host', 'path', 'headers', 'body', 'ip', 'certificate', 'route'];
const CERTIFICATE_KEYS = ['valid', 'fingerprint', 'spki_hash', 'san_email', 'san_dns', 'san_uri'];

/** Undefined after a problem. */
export function parseCase(tree: Tree, path: TreePath, problems: CaseProblems): AccessCase | undefined {
  const before = problems.found.length;
  const fields = CaseFields.open(tree, { path, known: caseKeys, problems });
  if (fields === undefined) return undefined;
  const time = fields.instant('time');
  const subject = parseSubject(fields.value('subject') ?? null, fields.at('subject'), problems);
  if (subject?.authTime !== undefined && !fields.has('time'))
    problems.error(fields.at('subject'), '`auth_time` says nothing without the `time` of the case');
  const records = parseRecords(fields);
  const requestTree = fields.value('request');
  if (requestTree === undefined) problems.error(path, '`request` is missing');
  const request = requestTree === undefined ? undefined : parseRequest(requestTree, fields.at('request'), problems);
  if (request === undefined || problems.found.length > before) return undefined;
  return { subject, request, time, records };
}

function parseRecords(fields: CaseFields): CaseRecords {
  const records = new Map<string, readonly TreeObject[]>();
  for (const [source, rows] of Object.entries(fields.object('records') ?? {})) {
    if (isList(rows) && rows.every(isObject)) records.set(source, rows);
    else fields.error('records', `\`${source}\` must be a list of rows, each a mapping`);
  }
  return records;
}

/** `null` is nobody. */
function parseSubject(tree: Tree, path: TreePath, problems: CaseProblems): CaseSubject | undefined {
  if (tree === null) return undefined;
  const fields = CaseFields.open(tree, { path, known: SUBJECT_KEYS, problems });
  if (fields === undefined) return undefined;
  const email = fields.text('email') ?? '';
  const user = fields.text('user') ?? email;
  if (user === '') problems.error(path, 'a subject has `user`, `email` or both; without a subject nobody is signed in');
  const name = fields.text('name') ?? '';
  const groups = fields.texts('groups');
  const said = {
    sub: user,
    ...(email === '' ? {} : { email }),
    ...(name === '' ? {} : { name }),
    ...(groups === undefined ? {} : { groups }),
  };
  const claims = fields.object('claims') ?? {};
  for (const [claim, key] of Object.entries({ sub: 'user', email: 'email', name: 'name', groups: 'groups' }))
    if (Object.hasOwn(claims, claim))
      problems.error([...fields.at('claims'), claim], `\`${claim}\` is \`${key}\` of the subject: write it there`);
  return {
    user,
    email,
    name,
    claims: flatten({ ...claims, ...said }, fields.at('claims'), problems),
    userClaims: flatten(fields.object('userinfo') ?? {}, fields.at('userinfo'), problems),
    idp: fields.text('idp'),
    authTime: fields.instant('auth_time'),
    acr: fields.text('acr'),
    risk: parseRisk(fields),
  };
}

function parseRisk(fields: CaseFields): RiskLevel | undefined {
  const level = fields.value('risk');
  if (level === undefined || isRiskLevel(level)) return level;
  fields.error('risk', '`risk` must be low, medium or high');
  return undefined;
}

/** As a login does it, with its limits. */
function flatten(claims: { readonly [name: string]: Tree }, path: TreePath, problems: CaseProblems): Claims {
  try {
    return flattenClaims(claims);
  } catch {
    problems.error(path, 'no login takes so many claims, or claims that are nested so deep');
    return noClaims;
  }
}

function parseRequest(tree: Tree, path: TreePath, problems: CaseProblems): CaseRequest | undefined {
  const fields = CaseFields.open(tree, { path, known: REQUEST_KEYS, problems });
  if (fields === undefined) return undefined;
  const method = fields.text('method') ?? 'GET';
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) fields.error('method', '`method` must be an HTTP method');
  const target = parseTarget(fields, problems);
  const certificateTree = fields.value('certificate');
  const certificate =
    certificateTree === undefined ? undefined : parseCertificate(certificateTree, fields.at('certificate'), problems);
  const headers = parseHeaders(fields);
  const body = bodyText(fields.value('body'));
  const ip = fields.text('ip') ?? '';
  if (ip !== '' && parseIp(ip) === undefined)
    fields.error('ip', '`ip` must be an address such as 192.0.2.1 or 2001:db8::1');
  const route = fields.text('route');
  return target && { method, ...target, headers, body, ip, certificate, route };
}

type Target = Pick<CaseRequest, 'authority' | 'path'>;

/** SECURITY: taken apart as text. A URL parser would mend what must be judged as it is sent. */
function parseTarget(fields: CaseFields, problems: CaseProblems): Target | undefined {
  const url = fields.text('url');
  const host = fields.text('host');
  const path = fields.text('path');
  if (!fields.has('url')) {
    if (host !== undefined && path !== undefined) return { authority: host, path };
    problems.error(fields.path, 'say `url`, or `host` and `path`');
    return undefined;
  }
  if (fields.has('host') || fields.has('path')) fields.error('url', 'say `url`, or `host` and `path`, not both');
  const target = url === undefined ? undefined : targetOfUrl(url);
  if (url !== undefined && target === undefined)
    fields.error('url', '`url` must be a URL such as https://app.example.com/path?query=1');
  return target;
}

function targetOfUrl(url: string): Target | undefined {
  const match = /^https?:\/\/([^/?#@]+)([/?].*)?$/s.exec(url);
  if (match === null) return undefined;
  const [, authority = '', rest = '/'] = match;
  return { authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function parseHeaders(fields: CaseFields): CaseRequest['headers'] {
  const headers = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(fields.object('headers') ?? {})) {
    const key = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(key)) fields.error('headers', `\`${name}\` is no name of a header`);
    else if (headers.has(key)) fields.error('headers', `\`${name}\` is there twice: give one a list of lines`);
    else if (typeof value === 'string') headers.set(key, [value]);
    else if (isTexts(value)) headers.set(key, value);
    else fields.error('headers', `\`${name}\` must be a text, or a list of texts (one for each line)`);
  }
  return headers;
}

/** A mapping or list is sent as JSON. */
const bodyText = (value: Tree | undefined): string | undefined =>
  value === undefined || typeof value === 'string' ? value : JSON.stringify(value);

const NO_FINGERPRINT = '';

function parseCertificate(tree: Tree, path: TreePath, problems: CaseProblems): CertificateFacts | undefined {
  const fields = CaseFields.open(tree, { path, known: CERTIFICATE_KEYS, problems });
  if (fields === undefined) return undefined;
  return {
    presented: true,
    valid: fields.flag('valid') ?? true,
    leaf: {
      fingerprint: (fields.text('fingerprint') ?? NO_FINGERPRINT).replaceAll(':', '').toLowerCase(),
      spkiHash: fields.text('spki_hash') ?? NO_FINGERPRINT,
      sanEmail: fields.texts('san_email') ?? [],
      sanDns: fields.texts('san_dns') ?? [],
      sanUri: fields.texts('san_uri') ?? [],
    },
  };
}

/** `over` on top of `base`, mapping by mapping: what a file says once for all of its cases. Lists and values are replaced. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  if (!isObject(base) || !isObject(over)) return over;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, below === undefined ? value : mergeTrees(below, value));
  }
  return Object.fromEntries(merged);
}
