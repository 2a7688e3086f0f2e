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

/** The headers of the request that an upstream could take for identity. `identityNames` are the configured ones, as `plainName` has them. */
export const forgedHeaders = (
  request: Pick<AccessRequest, 'headers'>,
  identityNames: ReadonlySet<string>,
): readonly string[] => request.headers.names().filter((name) => isIdentityName(plainName(name), identityNames));

export const isIdentityName = (plain: string, identityNames: ReadonlySet<string>): boolean =>
  identityNames.has(plain) || OWN_PREFIXES.some((prefix) => plain.startsWith(prefix));

/**
 * `Authorization: Pomerium ...`, `Doorward ...`, `Bearer Pomerium-...`, `Bearer Doorward-...`: credentials for Doorward, not for the
 * application. Also behind a comma, where Envoy joined two lines.
 */
const OWN_CREDENTIAL = /(?:^|,)[ \t]*(?:(?:pomerium|doorward)(?:[ \t,]|$)|bearer[ \t]+(?:pomerium|doorward)-)/i;

export const hasOwnCredential = (request: Pick<AccessRequest, 'headers'>): boolean =>
  request.headers.lines('authorization').some((line) => OWN_CREDENTIAL.test(line));
