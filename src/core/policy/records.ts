/**
 * Records: facts from outside (files, HTTP sources) about users, addresses and certificates, as whole tables that never change. Reading a table
 * out of a file's content, and finding the row that a request is about.
 */

import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import { firstBits, parseNetwork } from '../request/client-address.ts';
import { parseIp } from '../request/ip-address.ts';
import type { ClaimValue } from '../session/session.ts';
import type { PolicyFacts } from './facts.ts';
import type { RecordRow, RecordTable } from './record-snapshot.ts';

/** By what a row is found: what its key column holds. */
export const foreignKeys = ['user.id', 'user.email', 'request.ip', 'request.client_certificate.fingerprint'] as const;
export type ForeignKey = (typeof foreignKeys)[number];

export type RecordSourceRule = {
  readonly foreignKey: ForeignKey;
  readonly maxAgeSeconds: number;
  /** In CSV every value is a text. */
  readonly format: 'json' | 'csv';
};

/** The sources of the configuration, by name. */
export type RecordSourceRules = ReadonlyMap<string, RecordSourceRule>;

export type TableForm = { readonly key: string; readonly foreignKey: ForeignKey; readonly rowsMax: number };

/** A clock that was set back makes old data look new; beyond this, data from the future is not believed. */
const CLOCK_STEP_SECONDS = 60;

/**
 * The row that the request is about; `undefined`: there is none. `unknown`: the source was never read, or not for longer than it may be; or
 * the client's address is not known.
 */
export function findRecord(
  facts: PolicyFacts,
  source: string,
  { foreignKey, maxAgeSeconds }: RecordSourceRule,
): RecordRow | undefined | 'unknown' {
  const snapshot = facts.records?.get(source);
  if (snapshot === undefined) return 'unknown';
  const age = facts.now - snapshot.asOf;
  if (age > maxAgeSeconds || age < -CLOCK_STEP_SECONDS) return 'unknown';
  const key = keyOf(facts, foreignKey);
  if (key === undefined) return undefined;
  return key === '' ? 'unknown' : snapshot.table.find(key);
}

/** Undefined: there is nobody, or no certificate that is valid. Empty: it should be there, and is not. */
function keyOf({ subject, sourceIp, certificate }: PolicyFacts, foreignKey: ForeignKey): string | undefined {
  switch (foreignKey) {
    case 'user.id':
      return subject?.userId;
    case 'user.email':
      return subject?.email === '' ? undefined : subject?.email;
    case 'request.ip':
      return sourceIp;
    case 'request.client_certificate.fingerprint':
      // SECURITY: a certificate that was not validated proves nothing.
      return certificate.valid ? certificate.leaf?.fingerprint : undefined;
  }
}

/** Text of JSON: a list of objects. The error follows the name of the source, and holds nothing of the content. */
export function parseJsonRecords(text: string, form: TableForm): Result<RecordTable, string> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return err('is not JSON');
  }
  if (!Array.isArray(content)) return err('is not a list of objects');
  const rows: readonly unknown[] = content;
  if (!rows.every(isRow)) return err('has an entry that is not an object');
  // SECURITY: of two values of one name, readers differ in which one counts.
  if (namesInText(text) !== namesInContent(rows)) return err('names a field twice');
  return createRecordTable(rows, form);
}

const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

/** How many texts with a colon after them there are in what is known to be JSON. */
function namesInText(json: string): number {
  let count = 0;
  for (let start = json.indexOf('"'); start >= 0;) {
    let end = json.indexOf('"', start + 1);
    while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
    let next = end + 1;
    while (json.charCodeAt(next) <= SPACE) next += 1;
    if (json.charCodeAt(next) === COLON) count += 1;
    start = json.indexOf('"', next);
  }
  return count;
}

function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

/** Without recursion: nothing bounds the depth but the size of the text. */
function namesInContent(rows: readonly ClaimValue[]): number {
  let count = 0;
  const open: ClaimValue[] = Array.from(rows);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    const values = Object.values(value) as readonly ClaimValue[];
    if (!Array.isArray(value)) count += values.length;
    for (const each of values) if (typeof each === 'object') open.push(each);
  }
  return count;
}

const isRow = (value: unknown): value is RecordRow =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lines of CSV, the names of the columns first. Every value is a text; an empty one is no value. */
export function recordsOfCells(lines: readonly (readonly string[])[], form: TableForm): Result<RecordTable, string> {
  const [header, ...cells] = lines;
  if (header === undefined) return err('has no line with the names of the columns');
  if (new Set(header).size !== header.length) return err('names a column twice');
  if (!header.includes(form.key)) return err(`has no column \`${form.key}\``);
  if (cells.some((line) => line.length !== header.length))
    return err('has a line with more or fewer cells than columns');
  const rows = cells.map((line): RecordRow =>
    Object.fromEntries(header.map((column, index) => [column, line[index] === '' ? null : (line[index] ?? null)])),
  );
  return createRecordTable(rows, form);
}

/** Whole or not at all: a row without a key, or a key that two rows have, makes the table ambiguous. */
export function createRecordTable(rows: readonly RecordRow[], form: TableForm): Result<RecordTable, string> {
  const { key, foreignKey, rowsMax } = form;
  if (rows.length > rowsMax) return err(`has more than ${rowsMax} rows`);
  const normalise = normalisers[foreignKey];
  const byKey = new Map<string, RecordRow>();
  for (const [index, row] of rows.entries()) {
    const name = keyText(Object.hasOwn(row, key) ? row[key] : undefined);
    const normal = name === undefined ? undefined : normalise(name);
    if (normal === undefined) return err(`has no usable \`${key}\` in row ${index + 1}`);
    if (byKey.has(normal)) return err(`has the \`${key}\` of row ${index + 1} twice`);
    byKey.set(normal, row);
  }
  return ok(
    foreignKey === 'request.ip'
      ? { rows: byKey.size, find: addressFinder(byKey) }
      : { rows: byKey.size, find: (wanted) => byKey.get(wanted) },
  );
}

/** Ids may be numbers in JSON. */
function keyText(value: ClaimValue | undefined): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const normalisers: { readonly [K in ForeignKey]: (text: string) => string | undefined } = {
  'user.id': (text) => text,
  'user.email': (text) => text,
  'request.ip': (text) => {
    const network = parseNetwork(text);
    return network.ok
      ? networkKey(network.value.length, firstBits(network.value.address, network.value.length))
      : undefined;
  },
  'request.client_certificate.fingerprint': (text) => {
    const hex = text.replaceAll(':', '').toLowerCase();
    return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
  },
};

/** The bits tell the families apart: two groups or eight. */
const networkKey = (length: number, bits: string): string => `${length}/${bits}`;

/** The row of the smallest network that holds the address. */
function addressFinder(byKey: ReadonlyMap<string, RecordRow>): RecordTable['find'] {
  const lengths = [...new Set([...byKey.keys()].map((key) => Number.parseInt(key, 10)))].sort((a, b) => b - a);
  return (text) => {
    const address = parseIp(text);
    if (address === undefined) return undefined;
    for (const length of lengths) {
      const row =
        length > address.groups.length * 16 ? undefined : byKey.get(networkKey(length, firstBits(address, length)));
      if (row !== undefined) return row;
    }
    return undefined;
  };
}
