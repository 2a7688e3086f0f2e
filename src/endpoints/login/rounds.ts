/**
 * Loop breaker: a browser that loses its session cookie (too large, blocked, another host's `from`) would go round between this host and the
 * identity provider for ever. Completed logins are counted in a short-lived sealed cookie, and after a few the next one needs a click.
 */

import { openJson, numberIn, sealJson } from '../sealed-json.ts';
import { singleCookie } from '../../core/request/cookies.ts';
import { deleteCookie, setShortCookie, type FlowHost } from './flow-cookies.ts';

/** Logins completed within the window after which a challenge no longer redirects. Tabs restored together count as one (callback.ts). */
const ROUNDS_MAX = 5;
const WINDOW_SECONDS = 120;

const cookieName = (scheme: FlowHost['scheme']): string =>
  scheme === 'https' ? '__Host-doorward-rounds' : 'doorward-rounds';
const contextOf = (host: string): string => `rounds ${host}`;

type Rounds = { readonly count: number; readonly since: number };

function roundsOf(at: FlowHost): Rounds {
  const none: Rounds = { count: 0, since: at.now };
  const cookie = singleCookie(at.request, cookieName(at.scheme));
  if (!cookie.ok || cookie.value === undefined) return none;
  const fields = openJson(at.sealer, 'flow', cookie.value, contextOf(at.host));
  const count = fields === undefined ? undefined : numberIn(fields, 'n');
  const since = fields === undefined ? undefined : numberIn(fields, 't');
  if (count === undefined || since === undefined || at.now >= since + WINDOW_SECONDS) return none;
  return { count, since };
}

export const isGoingRound = (at: FlowHost): boolean => roundsOf(at).count >= ROUNDS_MAX;

/** `Set-Cookie` of a completed login. */
export function countRound(at: FlowHost): string {
  const { count, since } = roundsOf(at);
  const value = sealJson(at.sealer, 'flow', { n: count + 1, t: since }, contextOf(at.host));
  return setShortCookie({ name: cookieName(at.scheme), value, seconds: WINDOW_SECONDS }, at);
}

/** `Set-Cookie` that forgets the rounds: somebody asked for a login by himself. */
export const forgetRounds = (at: FlowHost): string => deleteCookie(cookieName(at.scheme), at);
