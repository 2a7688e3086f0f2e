/**
 * ToldIdentity: what an upstream is to hear of a user, as claims, as text and as header values; and the assertion of it. Worked out once for a
 * user, a route and a host, since sessions do not change.
 */

import type { Subject } from '../policy/facts.ts';
import { noClaims, type Session } from '../session/session.ts';
import { uuid } from '../uuid.ts';
import type { SignedAssertion } from './assertion-cache.ts';
import {
  assertionClaims,
  claimSet,
  claimSetText,
  issuerOf,
  type AssertedIdentity,
  type AssertionStamp,
  type ClaimSet,
} from './claim-set.ts';
import { goNumber, scalarTexts, strictHeaderText } from './claim-text.ts';
import { filterGroups, pomeriumGroups } from './groups.ts';
import type { ClaimHeader } from './pomerium-headers.ts';
import type { UpstreamInput } from './upstream-input.ts';
import type { UpstreamPlan } from './upstream-plan.ts';

/** Seconds from `iat` to `exp`. */
export const ASSERTION_SECONDS = 300;

export type ToldIdentity = {
  readonly identity: AssertedIdentity;
  readonly claims: ClaimSet;
  /** `claims` as JSON text but for the closing brace. */
  readonly text: string;
  /** Each configured claim header with its value in the strict semantics; empty where the user does not have the claim. */
  readonly claimHeaders: readonly (ClaimHeader & { readonly text: string })[];
};

type Remembered = ToldIdentity & {
  readonly session: Session;
  readonly plan: UpstreamPlan;
  readonly host: string;
};

/** The last for each user; facts about users do not change within a Subject. */
const remembered = new WeakMap<Subject, Remembered>();

/** Undefined where nobody is signed in. */
export function toldIdentity(input: UpstreamInput, plan: UpstreamPlan): ToldIdentity | undefined {
  const { session, subject, host } = input;
  if (session === undefined || subject === undefined) return undefined;
  const last = remembered.get(subject);
  if (last?.session === session && last.plan === plan && last.host === host) return last;
  const isStrict = plan.config.identity_semantics === 'strict';
  const identity = isStrict ? strictIdentity(session, subject, plan) : pomeriumIdentity(session, subject);
  const told = { ...tell(identity, input, plan), session, plan, host };
  remembered.set(subject, told);
  return told;
}

/** Nobody, as the Pomerium semantics tell of them. */
export const toldNobody = (input: UpstreamInput, plan: UpstreamPlan): ToldIdentity => tell(nobody, input, plan);

function tell(identity: AssertedIdentity, { host, route }: UpstreamInput, plan: UpstreamPlan): ToldIdentity {
  const address = { issuer: issuerOf(host, route.jwtIssuerFormat), audience: host };
  const claims = claimSet(identity, address, plan.claimNames, plan.config.identity_semantics);
  const claimHeaders = plan.claimHeaders.map(({ name, claim }) => {
    return { name, claim, text: strictHeaderText(claims.get(claim) ?? '') };
  });
  return { identity, claims, text: claimSetText(claims), claimHeaders };
}

const nobody: AssertedIdentity = {
  ...{ sessionId: '', userId: '', email: '', name: '', groups: [], actors: [] },
  sessionClaims: noClaims,
  userClaims: noClaims,
};

const strictIdentity = (session: Session, subject: Subject, plan: UpstreamPlan): AssertedIdentity =>
  identityOf(session, subject, subject.name, filterGroups(subject.groups ?? [], plan.groupsFilter));

function pomeriumIdentity(session: Session, subject: Subject): AssertedIdentity {
  const { sessionClaims, userClaims } = subject;
  const groups = pomeriumGroups(undefined, sessionClaims, undefined);
  return identityOf(session, subject, pomeriumName(sessionClaims, userClaims), groups);
}

/** `name` in the Pomerium semantics: the claim, never what a directory calls the user. */
export const pomeriumName = (...claims: readonly AssertedIdentity['sessionClaims'][]): string =>
  scalarTexts(claims.find((some) => some.has('name'))?.get('name') ?? [], goNumber).join(',');

const identityOf = (session: Session, subject: Subject, name: string, groups: readonly string[]): AssertedIdentity => ({
  sessionId: session.handle,
  userId: subject.userId,
  email: subject.email,
  name,
  groups,
  sessionClaims: subject.sessionClaims,
  userClaims: subject.userClaims,
  actors: subject.actors,
});

/** Signed anew, or as signed a moment ago for the very same claim set. @throws DependencyError signing-failed */
export function signedAssertion({ text }: Pick<ToldIdentity, 'text'>, input: UpstreamInput): SignedAssertion {
  const { route, signer } = input;
  const sign = (): SignedAssertion => {
    const stamp = stampOf(input);
    return { assertion: signer.sign(assertionClaims(text, stamp)), stamp };
  };
  return route.assertionPerRequest ? sign() : input.assertions.get(signer, text, input.now, sign);
}

/** In the strict semantics an assertion does not outlive the session that it speaks of. */
function stampOf({ now, session, config, entropy }: UpstreamInput): AssertionStamp {
  const issuedAt = Math.floor(now);
  const end = config.identity_semantics === 'strict' && session !== undefined ? Math.ceil(session.expiresAt) : Infinity;
  return { issuedAt, expiresAt: Math.min(issuedAt + ASSERTION_SECONDS, end), id: uuid(entropy.bytes(16)) };
}
