/** The claim set of the assertion: who makes this request, for the upstream to verify. docs/identity.md describes each claim. */

import type { AccessConfig } from '../config.ts';
import type { Subject } from '../policy/facts.ts';
import type { Route } from '../route/route.ts';
import type { EpochSeconds, SessionHandle } from '../units.ts';
import { claimValues, joinedClaim } from './claim-text.ts';

/** Seconds from `iat` to `exp`. */
export const ASSERTION_SECONDS = 300;

/** No configured claim replaces one of these. */
const ownClaims: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  ...['sub', 'user', 'email', 'groups', 'sid', 'name', 'act'],
]);

export type AssertionSource = {
  readonly subject: Subject;
  readonly handle: SessionHandle;
  readonly host: string;
  readonly route: Pick<Route, 'jwtGroupsFilter' | 'jwtIssuerFormat'>;
  readonly config: Pick<AccessConfig, 'jwt_claims_headers'>;
  readonly now: EpochSeconds;
  readonly jti: string;
};

/** JSON text. `iss` and `aud` are the canonical host that the route matched; `sid` names the session and opens nothing. */
export function assertionClaims(source: AssertionSource): string {
  const { subject, host } = source;
  const iat = Math.floor(source.now);
  const claims = new Map<string, unknown>([
    ['iss', source.route.jwtIssuerFormat === 'uri' ? `https://${host}/` : host],
    ['aud', host],
    ['jti', source.jti],
    ['iat', iat],
    ['exp', iat + ASSERTION_SECONDS],
    ['sub', subject.userId],
    ['user', subject.userId],
    ['email', subject.email],
    ['groups', filteredGroups(subject.groups ?? [], source.route.jwtGroupsFilter)],
    ['sid', source.handle],
    ['name', subject.name],
  ]);
  for (const name of Object.values(source.config.jwt_claims_headers)) {
    const values = ownClaims.has(name) ? undefined : claimValues(name, subject);
    if (values !== undefined) claims.set(name, joinedClaim(values));
  }
  // Built by hand, since a claim may be called `__proto__`.
  return `{${[...claims].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

export const filteredGroups = (groups: readonly string[], filter: readonly string[] | undefined): readonly string[] =>
  filter === undefined ? groups : groups.filter((group) => filter.includes(group));
