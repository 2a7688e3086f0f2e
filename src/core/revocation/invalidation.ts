/**
 * Invalidation: what each revocation and each changed fact tells every process, in the order in which the control slot counted them. What was
 * read from the store names the invalidations that would cover it, as texts that are compared whole.
 */

/** A session, a user, an identity provider, one login there, everything; and a fact of a user, or a session whose content changed. */
export type InvalidationKind = 's' | 'u' | 'i' | 'p' | 'all' | 'fact';

const KINDS: ReadonlySet<string> = new Set<InvalidationKind>(['s', 'u', 'i', 'p', 'all', 'fact']);

export const isInvalidationKind = (text: string): text is InvalidationKind => KINDS.has(text);

export type Invalidation = {
  /** Counted without a gap within one history. */
  readonly seq: number;
  readonly kind: InvalidationKind;
  /** A handle, a user key, an identity provider's key or that of a login there (core/session/revocation.ts); empty for `all`. */
  readonly key: string;
};

/** What the invalidation names, and what a value says it is covered by. */
export type Cover = string;

export const coverOf = (kind: InvalidationKind, key: string): Cover => (kind === 'all' ? 'all' : `${kind}:${key}`);
