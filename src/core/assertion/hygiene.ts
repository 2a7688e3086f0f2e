/** Header hygiene: what a client sent that could pass for identity, or that is for Doorward alone, does not reach the upstream. */

import type { AccessRequest } from '../request/access-request.ts';

/** Names that belong to Doorward whatever the configuration, as `plainName` has them. */
const OWN_PREFIXES = ['x-pomerium-', 'x-doorward-'] as const;

const IS_PLAIN = /^[a-z0-9-]*$/;

/**
 * A header name as the most careless upstream reads it: lower-case, and `-` for all that is neither letter nor digit. Many servers turn
 * `X-Email`, `X_Email` and even `X.Email` into one variable, `HTTP_X_EMAIL`.
 */
export const plainName = (name: string): string =>
  IS_PLAIN.test(name) ? name : name.toLowerCase().replace(/[^a-z0-9]/g, '-');

/** Names of headers that say who calls, made ready to be looked for among those of a request. */
export type IdentityNames = {
  /** The configured ones, as `plainName` has them. */
  readonly identityNames: ReadonlySet<string>;
  /** With what character codes a header must begin to be one of them, or of the reserved ones. */
  readonly identityInitials: ReadonlySet<number>;
};

/** All that a header name can begin with and that `plainName` reads as `-` (RFC 9110 §5.6.2). */
const SYMBOLS = "! # $ % & ' * + - . ^ _ ` | ~".split(' ');

export function identityNamesOf(names: Iterable<string>): IdentityNames {
  const identityNames = new Set([...names].map(plainName));
  const initials = [...OWN_PREFIXES, ...identityNames].map((name) => name.slice(0, 1));
  const sent = initials.flatMap((initial) => (initial === '-' ? SYMBOLS : [initial, initial.toUpperCase()]));
  return { identityNames, identityInitials: new Set(sent.map((initial) => initial.charCodeAt(0))) };
}

/** The headers of the request that an upstream could take for identity. */
export const forgedHeaders = (
  request: Pick<AccessRequest, 'headers'>,
  { identityNames, identityInitials }: IdentityNames,
): readonly string[] =>
  request.headers
    .names()
    .filter((name) => identityInitials.has(name.charCodeAt(0)) && isIdentityName(plainName(name), identityNames));

export const isIdentityName = (plain: string, identityNames: ReadonlySet<string>): boolean =>
  identityNames.has(plain) || OWN_PREFIXES.some((prefix) => plain.startsWith(prefix));

/**
 * `Authorization: Pomerium ...`, `Doorward ...`, `Bearer Pomerium-...`, `Bearer Doorward-...`: credentials for Doorward, not for the
 * application. Also behind a comma, where Envoy joined two lines.
 */
const OWN_CREDENTIAL = /(?:^|,)[ \t]*(?:(?:pomerium|doorward)(?:[ \t,]|$)|bearer[ \t]+(?:pomerium|doorward)-)/i;

export const hasOwnCredential = (request: Pick<AccessRequest, 'headers'>): boolean =>
  request.headers.lines('authorization').some((line) => OWN_CREDENTIAL.test(line));
