/** Reads the policy text of a vector: YAML as gopkg.in/yaml.v3 does before it is turned into JSON, or JSON as a stream of tokens. */

import { isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document, Pair, ScalarTag } from 'yaml';
import type { Tree } from '../../src/core/problem.ts';
import { err, ok } from '../../src/core/result.ts';
import type { Result } from '../../src/core/result.ts';

export function parsePplText(text: string, format: 'json' | undefined): Result<Tree, string> {
  return format === 'json' ? parseJson(text) : parseYaml(text);
}

/** A date alone or with a time: both become a text in RFC 3339. */
const timestamp: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:timestamp',
  test: /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d+)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)?$/,
  resolve(text) {
    const [, year = '', month = '', day = '', rest = ''] = /^(\d{4})-(\d\d?)-(\d\d?)(.*)$/.exec(text) ?? [];
    const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
    if (rest === '') return `${date}T00:00:00Z`;
    const [, clock = '', zone = ''] = /^[Tt \t]+([\d:.]+)[ \t]*(.*)$/.exec(rest) ?? [];
    return `${date}T${clock}${zone === '' ? 'Z' : zone}`;
  },
};

/** Decimal with underscores, and octal with a leading zero. */
const integer: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?(?:0[0-7_]+|[0-9][0-9_]*|0b[01_]+|0x[0-9a-fA-F_]+)$/,
  resolve(text) {
    const digits = text.replaceAll('_', '').replace(/^\+/, '');
    const negative = digits.startsWith('-');
    const plain = negative ? digits.slice(1) : digits;
    const value = /^0[0-7]+$/.test(plain) ? Number.parseInt(plain, 8) : Number(plain);
    return negative ? -value : value;
  },
};

const binary: ScalarTag = {
  identify: () => false,
  tag: 'tag:yaml.org,2002:binary',
  resolve: (text) => Buffer.from(text, 'base64').toString('utf8'),
};

function parseYaml(text: string): Result<Tree, string> {
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: true,
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: new LineCounter(),
    customTags: (tags) => [timestamp, integer, binary, ...tags],
  });
  if ('empty' in documents) return err('EOF');
  const [document] = documents;
  if (document === undefined) return err('EOF');
  // What stands behind a complete flow document is not read.
  const fatal = document.errors.find(({ code }) => code !== 'UNEXPECTED_TOKEN' || !endsBefore(document, text));
  if (fatal !== undefined) return err(fatal.message);
  if (document.contents === null && text.trim() === '') return err('EOF');
  const keyFault = nonTextKey(document);
  if (keyFault !== undefined) return err(keyFault);
  const value: unknown = document.toJS({ maxAliasCount: 1000 });
  return isFinite_(value) ? ok((value ?? null) as Tree) : err('json: unsupported value');
}

/** Whether the document is a flow collection that is closed. */
function endsBefore(document: Document, text: string): boolean {
  const { contents } = document;
  const end = contents?.range?.[1];
  return end !== undefined && '}]'.includes(text[end - 1] ?? ' ');
}

/** Only texts can be keys of a JSON object. */
function nonTextKey(document: Document): string | undefined {
  let fault: string | undefined;
  visit(document, {
    Pair(_key, pair: Pair) {
      if (isScalar(pair.key) && typeof pair.key.value !== 'string' && String(pair.key.value) !== 'Symbol(<<)')
        fault ??= 'json: unsupported type';
      else if (!isScalar(pair.key)) fault ??= 'yaml: invalid map key';
    },
  });
  return fault;
}

const isFinite_ = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object' || value === null || Object.values(value).every(isFinite_);

/** After the first value, white space and closing brackets (and then anything) may follow. */
function parseJson(text: string): Result<Tree, string> {
  const end = endOfFirstValue(text);
  if (end === undefined) return err('unexpected EOF');
  const rest = text.slice(end).trimStart();
  if (rest !== '' && !/^[\]}]/.test(rest)) return err('unexpected additional json value');
  try {
    return ok(JSON.parse(text.slice(0, end)) as Tree);
  } catch (error) {
    return err(String(error));
  }
}

/** Where the first list or object of a JSON text ends; the end of the text where it begins with something else. */
function endOfFirstValue(text: string): number | undefined {
  const start = text.search(/\S/);
  if (start < 0) return undefined;
  if (!'[{'.includes(text[start] ?? ' ')) return text.length;
  let depth = 0;
  let isQuoted = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (isQuoted) {
      if (character === '\\') index++;
      else if (character === '"') isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth === 0 && !isQuoted) return index + 1;
  }
  return undefined;
}
