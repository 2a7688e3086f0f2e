/** FoundSession: what is known of the session behind the cookie of a request, whether a route takes it or not. */

import type { Session } from './session.ts';

export type FoundSession =
  /** No cookie, one that opens nothing, or a session that is over. */
  | { readonly kind: 'none' }
  /** There is a cookie, and what it names was not looked at, or could not be. */
  | { readonly kind: 'unread' }
  | { readonly kind: 'session'; readonly session: Session };

export const noSession: FoundSession = { kind: 'none' };
export const unreadSession: FoundSession = { kind: 'unread' };
