/** Parameters of a query, each at most once. Which of two is meant would be a guess, so there is none. */

import { err, ok, type Result } from '../core/result.ts';

/** Envoy bounds a request's headers to 60 KiB; no query of Doorward's own endpoints is near this. */
const QUERY_LENGTH_MAX = 32_768;

/**
 * The values of `names` in a query (without `?`), form-decoded; absent and empty are both absent (RFC 6749 §3.1). Refused, with the reason:
 * a name that occurs twice, a query that is too long. Other parameters do not matter (an identity provider may add its own).
 */
export function singleParameters<Name extends string>(
  query: string | undefined,
  names: readonly Name[],
): Result<Readonly<Partial<Record<Name, string>>>, string> {
  const values: Partial<Record<Name, string>> = {};
  if (query === undefined) return ok(values);
  if (query.length > QUERY_LENGTH_MAX) return err('the query is too long');
  const parameters = new URLSearchParams(query);
  for (const name of names) {
    const [value, second] = parameters.getAll(name);
    if (second !== undefined) return err('a parameter occurs twice');
    if (value !== undefined && value !== '') values[name] = value;
  }
  return ok(values);
}
