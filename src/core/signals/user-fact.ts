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

/** Facts of one owner. What comes on top is refused, and nothing is dropped for it. */
export const FACTS_MAX = 64;

export const isOver = ({ at }: UserFact, now: EpochSeconds): boolean => now >= at + FACT_SECONDS;

/** What takes the place of what. */
export const fieldOf = ({ about, scope }: UserFact): string => `${about}:${scope}`;

const digest = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** `about`: what narrows the subject, e.g. its device; undefined = nothing does. 22 characters. */
export const factScope = (transmitter: string, about: unknown): string =>
  digest(['fact-scope', transmitter, about ?? null]).slice(0, 22);

/** Whose facts count for a session. */
export type FactHolder = { readonly issuer: string; readonly subject: string; readonly email: string };
