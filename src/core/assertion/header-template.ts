/**
 * `set_request_headers` values: `${a.b["c"]}` or `$a.b`, `$$` for `$`; unknown references are empty, broken syntax is text.
 *
 *   template   = *( "$$" / "$" name *( "." name ) / "${" ws name ws *( "." ws name ws / "[" ws string ws "]" ws ) "}" / any )
 *   name       = 1*( ALPHA / DIGIT / "_" / "-" )
 *   string     = DQUOTE *( "\" any / any but DQUOTE ) DQUOTE        ws = *( SP / HTAB )
 *
 * A `$` that begins none of these is a `$`, and reading goes on right behind it. Nothing else has a meaning, so parsing never fails.
 */

export type HeaderTemplate = {
  /** Reference paths in order of appearance; empty = constant. */
  readonly references: readonly (readonly string[])[];
  render(resolve: (reference: readonly string[]) => string): string;
};

/** Text as it is, or a reference to be resolved. */
type Part = string | readonly string[];

/** Where reading went on to, and what was read. */
type Read<T> = { readonly value: T; readonly end: number };

/** Total and linear in `source`: whatever is not a reference is text. */
export function parseHeaderTemplate(source: string): HeaderTemplate {
  const parts = partsOf(source);
  const references = parts.filter((part): part is readonly string[] => typeof part !== 'string');
  const [only] = parts;
  if (references.length === 0) {
    const text = parts.join('');
    return { references, render: () => text };
  }
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') {
    return { references, render: (resolve) => resolve(only) };
  }
  return {
    references,
    render: (resolve) => parts.map((part) => (typeof part === 'string' ? part : resolve(part))).join(''),
  };
}

function partsOf(source: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < source.length) {
    const dollar = source.indexOf('$', at);
    if (dollar !== at) parts.push(dollar === -1 ? source.slice(at) : source.slice(at, dollar));
    if (dollar === -1) break;
    const variable = readVariable(source, dollar + 1);
    parts.push(variable?.value ?? '$');
    at = variable?.end ?? dollar + 1;
  }
  return parts;
}

/** What stands behind a `$`. */
function readVariable(source: string, at: number): Read<Part> | undefined {
  switch (source[at]) {
    case '$':
      return { value: '$', end: at + 1 };
    case '{':
      return readBraced(source, at + 1);
    default:
      return readPlain(source, at);
  }
}

function readPlain(source: string, at: number): Read<Part> | undefined {
  const path: string[] = [];
  let end = at - 1;
  do {
    const name = readName(source, end + 1);
    if (name === undefined) return undefined;
    path.push(name.value);
    end = name.end;
  } while (source[end] === '.');
  return { value: path, end };
}

function readBraced(source: string, at: number): Read<Part> | undefined {
  const first = readName(source, skipBlanks(source, at));
  if (first === undefined) return undefined;
  const path = [first.value];
  let end = skipBlanks(source, first.end);
  while (source[end] !== '}') {
    const step = readStep(source, end);
    if (step === undefined) return undefined;
    path.push(step.value);
    end = skipBlanks(source, step.end);
  }
  return { value: path, end: end + 1 };
}

/** `.name` or `["string"]` */
function readStep(source: string, at: number): Read<string> | undefined {
  const behind = skipBlanks(source, at + 1);
  if (source[at] === '.') return readName(source, behind);
  if (source[at] !== '[') return undefined;
  const text = readString(source, behind);
  if (text === undefined) return undefined;
  const bracket = skipBlanks(source, text.end);
  return source[bracket] === ']' ? { value: text.value, end: bracket + 1 } : undefined;
}

function readString(source: string, at: number): Read<string> | undefined {
  STRING.lastIndex = at;
  const [literal] = STRING.exec(source) ?? [];
  if (literal === undefined) return undefined;
  return { value: literal.slice(1, -1).replace(/\\(.)/gsu, '$1'), end: at + literal.length };
}

function readName(source: string, at: number): Read<string> | undefined {
  NAME.lastIndex = at;
  const [value] = NAME.exec(source) ?? [];
  return value === undefined ? undefined : { value, end: at + value.length };
}

function skipBlanks(source: string, at: number): number {
  let end = at;
  while (source[end] === ' ' || source[end] === '\t') end += 1;
  return end;
}

const NAME = /[A-Za-z0-9_-]+/y;
/** NUL is in no string. */
const STRING = /"(?:[^"\\\0]|\\[^\0])*"/suy;
