/** `records` and `groups`: defaults, units, secrets of request headers, and what the keys say about each other. */

import type { GroupsConfig, RecordSourceConfig } from '../../core/config.ts';
import type { TreePath } from '../../core/problem.ts';
import { parseDuration } from '../../core/duration.ts';
import { defaults } from './defaults.ts';
import { checkCertificates } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { RecordSourceFile } from './schema/record-keys.ts';
import type { SecretContext } from './secrets.ts';
import { listOfTexts } from './texts.ts';

type Named = { readonly file: RecordSourceFile; readonly path: TreePath; readonly context: SecretContext };

export async function buildRecords(file: ConfigFile, context: SecretContext): Promise<readonly RecordSourceConfig[]> {
  const sources: RecordSourceConfig[] = [];
  for (const [name, source] of Object.entries(file.records ?? {})) {
    const built = await buildSource(name, { file: source, path: ['records', name], context });
    if (built !== undefined) sources.push(built);
  }
  return sources;
}

async function buildSource(name: string, named: Named): Promise<RecordSourceConfig | undefined> {
  const { file } = named;
  const from = await buildFrom(named);
  const seconds = (key: 'interval' | 'timeout' | 'max_age', fallback: string): number => {
    const parsed = parseDuration(file[key] ?? fallback);
    if (parsed === undefined) tell(named, key, 'must be more than zero and at most ten years');
    return parsed ?? 1;
  };
  const interval = seconds('interval', defaults.record_interval);
  const maxAge = seconds('max_age', defaults.record_max_age);
  if (maxAge < interval)
    tell(named, 'max_age', 'is shorter than `interval`: the data would be too old between two looks');
  return (
    from && {
      name,
      from,
      format: file.format ?? (/\.csv$/i.test(pathOf(from)) ? 'csv' : 'json'),
      key: file.key ?? defaults.record_key,
      foreign_key: file.foreign_key ?? defaults.record_foreign_key,
      interval,
      timeout: seconds('timeout', defaults.record_timeout),
      max_bytes: file.max_bytes ?? defaults.record_max_bytes,
      max_rows: file.max_rows ?? defaults.record_max_rows,
      max_age: maxAge,
    }
  );
}

const tell = ({ path, context }: Named, key: string, what: string): void => {
  context.problems.error([...path, key], `\`${[...path, key].join('.')}\` ${what}`);
};

const pathOf = (from: RecordSourceConfig['from']): string =>
  from.kind === 'file' ? from.path : new URL(from.url).pathname;

async function buildFrom(named: Named): Promise<RecordSourceConfig['from'] | undefined> {
  const { file, context, path } = named;
  if (file.file !== undefined && file.url !== undefined)
    tell(named, 'url', 'and `file` are both given: which one is meant?');
  if (file.url !== undefined) return buildUrl(file.url, named);
  for (const key of ['headers', 'header_files', 'ca_file'] as const)
    if (file[key] !== undefined) tell(named, key, 'is for a `url`');
  if (file.file !== undefined) return { kind: 'file', path: context.files.resolve(file.file) };
  context.problems.missing(path, `\`${path.join('.')}\` needs a \`file\` or a \`url\``);
  return undefined;
}

async function buildUrl(url: string, named: Named): Promise<RecordSourceConfig['from'] | undefined> {
  const { file, path, context } = named;
  if (!isAllowedUrl(url)) {
    tell(named, 'url', 'must be an https URL without a password (http only to this machine)');
    return undefined;
  }
  const headers = new Map<string, string>();
  const add = (key: 'headers' | 'header_files', name: string, value: string): void => {
    const lower = name.toLowerCase();
    if (TAKEN_HEADERS.has(lower)) tell(named, key, `has \`${name}\`, which Doorward sets itself`);
    else if (headers.has(lower)) tell(named, key, `has \`${name}\`, which is given twice`);
    else headers.set(lower, value);
  };
  for (const [name, value] of Object.entries(file.headers ?? {})) add('headers', name, value);
  for (const [name, secretFile] of Object.entries(file.header_files ?? {})) {
    const content = await context.files.text(secretFile);
    const value = content.ok ? content.value.replace(/[\r\n]+$/, '') : '';
    if (!content.ok) tell(named, 'header_files', `of \`${name}\`: the file ${content.error}`);
    else if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(value) || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      tell(named, 'header_files', `has \`${name}\`, which is not one header: a name, and a file with one line`);
    else add('header_files', name, value);
  }
  const ca = file.ca_file === undefined ? undefined : await readCa(file.ca_file, [...path, 'ca_file'], context);
  return { kind: 'http', url, headers: Object.fromEntries(headers), ...(ca === undefined ? {} : { ca }) };
}

/** PEM that holds certificates; undefined after a problem. */
async function readCa(file: string, path: TreePath, context: SecretContext): Promise<string | undefined> {
  const certificates = await checkCertificates({ path, file }, context);
  return certificates?.map((certificate) => certificate.toString()).join('');
}

/** What the request is made of. */
const TAKEN_HEADERS: ReadonlySet<string> = new Set([
  ...['accept-encoding', 'connection', 'content-length', 'host', 'if-modified-since', 'if-none-match'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(hostname);

export function buildGroups({ groups }: ConfigFile, { problems }: SecretContext): GroupsConfig | undefined {
  if (groups === undefined) return undefined;
  const { claims, source, field } = groups;
  const names = listOfTexts(claims);
  if (source !== undefined && claims !== undefined)
    problems.error(['groups', 'claims'], '`groups.claims` and `groups.source` are both given: which one is meant?');
  if (source === undefined && field !== undefined)
    problems.error(['groups', 'field'], '`groups.field` is for a `source`');
  if (source !== undefined) return { source, field: field ?? defaults.groups_field };
  if (names.length === 0) problems.missing(['groups'], '`groups` needs `claims` or a `source`');
  return { claims: names };
}
