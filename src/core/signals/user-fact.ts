/**
 * UserFact: what a transmitter said of a user, as it is kept: how risky it makes whoever has a session of that user. Each names its scope, so that
 * what is said of one device, or by one transmitter, takes nothing back of what was said of or by another.
 */

import { createHash } from 'node:crypto';
import type { EpochSeconds } from '../units.ts';

export type RiskLevel = 'low' | 'medium' | 'high';

const ranks: { readonly [level in RiskLevel]: number } = { low: 0, medium: 1, high: 2 };

export const isRiskLevel = (text: unknown): text is RiskLevel => typeof text === 'string' && Object.hasOwn(ranks, text);

/** Whether `level` is above `limit`. */
export const isAbove = (level: RiskLevel, limit: RiskLevel): boolean => ranks[level] > ranks[limit];

export const higher = (one: RiskLevel, other: RiskLevel): RiskLevel => (isAbove(one, other) ? one : other);

export type UserFact = {
  /** Only `risk` says how risky somebody is; a device that is out of compliance or a weaker sign-in makes it no less. */
  readonly about: 'risk' | 'device' | 'assurance';
  /** Who says it, and of which device or session of the user (factScope). */
  readonly scope: string;
  readonly level: RiskLevel;
  /** Since when. What is older takes the place of nothing. */
  readonly at: EpochSeconds;
};

/** Of whom: a user at an identity provider, or everybody who has that address. */
export type FactOwner =
  | { readonly kind: 'user'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'email'; readonly email: string };

/** How long a fact is kept from its time on: a transmitter that says nothing more for so long is not believed for ever. */
export const FACT_SECONDS = 90 * 86_400;

/** Facts of one owner, each of a scope of its own; `roomFor` says what becomes of one on top of them. */
export const FACTS_MAX = 64;

/** What has no room stands together: one fact of each `about`, and of each level above `low`. They come on top of FACTS_MAX. */
export const GATHERED_MAX = 6;

export const isOver = ({ at }: UserFact, now: EpochSeconds): boolean => now >= at + FACT_SECONDS;

/** What takes the place of what. */
export const fieldOf = ({ about, scope }: UserFact): string => `${about}:${scope}`;

/** `instead`: an older one gives way; `gathered`: as one with the others that have no room; `none`: it makes no difference and is not kept. */
export type Room =
  | { readonly kind: 'free' }
  | { readonly kind: 'instead'; readonly of: UserFact }
  | { readonly kind: 'gathered'; readonly fact: UserFact }
  | { readonly kind: 'none' };

/**
 * What becomes of a fact beside those that its owner has (none of them over). SECURITY: only a `low` fact ever gives way. Every other stands until its own
 * scope takes it back or its time is over, so nobody becomes less risky by how much is said.
 */
export function roomFor(known: readonly UserFact[], fact: UserFact): Room {
  if (known.length < FACTS_MAX || known.some((one) => fieldOf(one) === fieldOf(fact))) return { kind: 'free' };
  const least = [...known, fact].filter(({ level }) => level === 'low').sort(byLeastMissed)[0];
  if (least === fact) return { kind: 'none' };
  if (least !== undefined) return { kind: 'instead', of: least };
  return { kind: 'gathered', fact: { ...fact, scope: `gathered-${fact.level}` } };
}

/** Without any `risk` a policy may refuse the user, so that one is the last to go. */
const byLeastMissed = (one: UserFact, other: UserFact): number =>
  Number(one.about === 'risk') - Number(other.about === 'risk') || one.at - other.at;

const digest = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** `about`: what narrows the subject, e.g. its device; undefined = nothing does. 22 characters. */
export const factScope = (transmitter: string, about: unknown): string =>
  digest(['fact-scope', transmitter, about ?? null]).slice(0, 22);

/** Whose facts count for a session. */
export type FactHolder = { readonly issuer: string; readonly subject: string; readonly email: string };
