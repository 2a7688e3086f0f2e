/** Header hygiene: what a client sent that could pass for identity, or that is Doorward's own, does not reach the upstream. */

import type { AccessRequest } from '../request/access-request.ts';

/** Names that belong to Doorward whatever the configuration, after lower-casing and reading `_` as `-`. */
const OWN_PREFIXES = ['x-pomerium-', 'x-doorward-'] as const;

/** Many servers turn both into the same variable (`X_Email` and `X-Email` into `HTTP_X_EMAIL`). */
const dashed = (name: string): string => (name.includes('_') ? name.replaceAll('_', '-') : name);

/**
 * The names of headers in the request that speak of identity. `identityNames` are the configured ones (assertion, claim headers and what
 * `set_request_headers` sets), lower-case and dashed.
 */
export function forgedHeaders(request: AccessRequest, identityNames: ReadonlySet<string>): readonly string[] {
  return request.headers.names().filter((name) => {
    if (name.startsWith(':')) return false;
    const twin = dashed(name);
    return OWN_PREFIXES.some((prefix) => twin.startsWith(prefix)) || identityNames.has(twin);
  });
}

export const identityNamesOf = (names: Iterable<string>): ReadonlySet<string> =>
  new Set([...names].map((name) => dashed(name.toLowerCase())));

/** `Authorization: Pomerium ...`, `Bearer Pomerium-...`, `Doorward ...`: credentials for Doorward, not for the application. */
const OWN_CREDENTIAL = /^[ \t]*(?:pomerium|doorward)[ \t]|^[ \t]*bearer[ \t]+(?:pomerium|doorward)-/i;

export const hasOwnCredential = (request: AccessRequest): boolean =>
  request.headers.lines('authorization').some((line) => OWN_CREDENTIAL.test(line));

/** What to do with the Cookie lines: leave them, send `set` in place of all of them, or send none. */
export type CookieChange = { readonly kind: 'keep' | 'remove' } | { readonly kind: 'set'; readonly value: string };

const keep: CookieChange = { kind: 'keep' };

/**
 * Takes Doorward's cookies out; every other one goes on as it was written. Only where one had to be taken out are the lines written anew,
 * and then pairs with bytes that are not UTF-8 go too, since they cannot be sent on as they were.
 */
export function withoutOwnCookies(
  request: AccessRequest,
  isOwn: (name: string) => boolean,
  marks: readonly string[],
): CookieChange {
  const lines = request.headers.lines('cookie');
  if (!lines.some((line) => marks.some((mark) => line.includes(mark)))) return keep;
  const pairs = lines.flatMap((line) => line.split(';')).map((pair) => pair.trim());
  const others = pairs.filter((pair) => pair !== '' && !holdsOwn(pair, isOwn) && !pair.includes('\ufffd'));
  if (others.length === pairs.length) return keep;
  return others.length === 0 ? { kind: 'remove' } : { kind: 'set', value: others.join('; ') };
}

/** Also a pair within a pair: where Envoy joined two Cookie lines, `a=1,session=x` holds it. */
const holdsOwn = (pair: string, isOwn: (name: string) => boolean): boolean =>
  pair.split(',').some((piece) => isOwn((piece.split('=', 1)[0] ?? '').trim()));
