/** AccessCase: a request and everything about it, described by a person: what `doorward test` and `doorward explain` judge. */

import type { CertificateFacts } from '../policy/facts.ts';
import type { Claims } from '../session/session.ts';
import type { RiskLevel } from '../signals/user-fact.ts';
import type { CaseRecords } from './case-records.ts';
import { epochSeconds, type EpochSeconds } from '../units.ts';

/** Who is signed in. */
export type CaseSubject = {
  readonly user: string;
  readonly email: string;
  readonly name: string;
  /** As the ID token has them, flattened: `sub`, `email`, `name` and `groups` included. */
  readonly claims: Claims;
  /** As the userinfo endpoint has them. */
  readonly userClaims: Claims;
  /** The provider; undefined = the first that the route takes. */
  readonly idp: string | undefined;
  /** When the person signed in at the provider; undefined = just now. */
  readonly authTime: EpochSeconds | undefined;
  readonly acr: string | undefined;
  /** How risky transmitters say that the subject is; undefined = nothing was said. */
  readonly risk: RiskLevel | undefined;
};

export type CaseRequest = {
  readonly method: string;
  /** As sent: with port, in any case. */
  readonly authority: string;
  /** As sent: raw, with query. */
  readonly path: string;
  /** Lines by lower-case name. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string | undefined;
  /** Envoy's peer; '' = not known. */
  readonly ip: string;
  /** As it would be found on a route that has authorities for client certificates. */
  readonly certificate: CertificateFacts | undefined;
  /** The route that Envoy's route names (`context_extensions`). */
  readonly route: string | undefined;
};

export type AccessCase = {
  /** Undefined = nobody is signed in. */
  readonly subject: CaseSubject | undefined;
  readonly request: CaseRequest;
  /** Undefined = the policy must not look at the time. */
  readonly time: EpochSeconds | undefined;
  readonly records: CaseRecords;
};

/** 2026-01-01T00:00:00Z: the instant of a case that names none. Where a policy looks at the time, such a case is not judged. */
export const CASE_INSTANT = epochSeconds(1_767_225_600);
