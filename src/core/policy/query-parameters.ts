/** Query parameters, as most applications read them (application/x-www-form-urlencoded, URL Standard), and where applications differ. */

import { foldedName } from './folded-name.ts';

/** Parameters of one query; more than an application's form has. Beyond it the query is not read. */
const PARAMETERS_MAX = 200;

/** Each name with its values, in order of the query; undefined where applications could read it in different ways, or it is too long. */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> | undefined {
  const parameters = new Map<string, string[]>();
  if (query === '') return parameters;
  // Some applications take `;` for a separator too.
  if (query.includes(';')) return undefined;
  const parts = query.split('&', PARAMETERS_MAX + 1);
  if (parts.length > PARAMETERS_MAX) return undefined;
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** `Page`, `page[]`, `page[0]`, `[page]` and `page%00x` are `page` to some applications. */
const looseName = (name: string): string =>
  foldedName(name)
    .replace(/^\[+/, '')
    .replace(/[[\].].*$/s, '')
    .trim();

/** `a.b`, `a b` and `a[b` are `a_b` to some applications. */
const mangledName = (name: string): string =>
  foldedName(name)
    .trim()
    .replace(/[[\]. ]/g, '_');

/** Whether some application takes a name for the wanted one. */
function rivalsOf(wanted: string): (name: string) => boolean {
  const loose = looseName(wanted);
  const mangled = mangledName(wanted);
  return (name) => name !== wanted && (looseName(name) === loose || mangledName(name) === mangled);
}

/** Whether some application reads one of the wanted parameters where others read another name. */
export const hasRivals = (parameters: ReadonlyMap<string, readonly string[]>, wanted: ReadonlySet<string>): boolean =>
  [...wanted].some((name) => {
    const isRival = rivalsOf(name);
    return [...parameters.keys()].some(isRival);
  });

/** The only value of a parameter; `several` where it stands there more than once, in whatever spelling; undefined where it does not. */
export function onlyValue(
  parameters: ReadonlyMap<string, readonly string[]>,
  wanted: string,
): { readonly value: string } | 'several' | undefined {
  const isRival = rivalsOf(wanted);
  for (const name of parameters.keys()) if (isRival(name)) return 'several';
  const [value, ...others] = parameters.get(wanted) ?? [];
  if (others.length > 0) return 'several';
  return value === undefined ? undefined : { value };
}
