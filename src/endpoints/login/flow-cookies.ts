/** The cookies of pending logins: their names, how many and how large they may be, and how they are set and deleted. */

import type { AccessConfig } from '../../core/config.ts';
import type { Sealer } from '../../core/ports.ts';
import type { AccessRequest } from '../../core/request/access-request.ts';
import { cookiesByPrefix, singleCookie } from '../../core/request/cookies.ts';
import type { EpochSeconds } from '../../core/units.ts';
import { FLOW_SECONDS, isFlowExpired, openFlow, sealFlow, type Flow } from './flow.ts';

type Scheme = 'https' | 'http';

/** Pending logins that one browser may have on one host. A sixth drops the oldest. */
const FLOWS_MAX = 5;
/** All flow cookies of a host together, bytes: with them a request's headers stay below the 8 KiB that many servers accept. */
const FLOW_COOKIES_BYTES_MAX = 6_000;
/** Cookies deleted by one answer. More than that are a client's own making, and expire. */
const DELETIONS_MAX = 20;

/** `__Host-`: only this host can have set it, over https, for all of its paths (RFC 6265bis §4.1.3.2). */
export const flowCookiePrefix = (scheme: Scheme): string =>
  scheme === 'https' ? '__Host-doorward-flow-' : 'doorward-flow-';

export const flowCookieName = (flowId: string, scheme: Scheme): string => `${flowCookiePrefix(scheme)}${flowId}`;

export type FlowHost = {
  readonly request: AccessRequest;
  readonly host: string;
  readonly scheme: Scheme;
  readonly sameSite: AccessConfig['cookie_same_site'];
  readonly sealer: Sealer;
  readonly now: EpochSeconds;
};

/**
 * The flow of that id which this browser began on this host; undefined where there is none, or two (somebody else set one of them), or one
 * that does not open. It may be expired.
 */
export function flowOfBrowser(flowId: string, at: FlowHost): Flow | undefined {
  const cookie = singleCookie(at.request, flowCookieName(flowId, at.scheme));
  if (!cookie.ok || cookie.value === undefined) return undefined;
  const flow = openFlow(cookie.value, at.host, at.sealer);
  return flow?.id === flowId ? flow : undefined;
}

/**
 * `Lax`, also where the session cookie is `Strict`: the identity provider sends the browser back, and that navigation is cross-site. `None`
 * where the session cookie is (framed applications).
 */
const attributes = (at: Pick<FlowHost, 'scheme' | 'sameSite'>): string =>
  `; Path=/${at.scheme === 'https' ? '; Secure' : ''}; HttpOnly; SameSite=${at.sameSite === 'none' ? 'None' : 'Lax'}`;

/** Browsers delete a `__Host-` cookie only where Path and Secure are as they were. */
export const deleteCookie = (name: string, at: Pick<FlowHost, 'scheme' | 'sameSite'>): string =>
  `${name}=; Max-Age=0${attributes(at)}`;

export const setShortCookie = (
  cookie: { readonly name: string; readonly value: string; readonly seconds: number },
  at: Pick<FlowHost, 'scheme' | 'sameSite'>,
): string => `${cookie.name}=${cookie.value}; Max-Age=${cookie.seconds}${attributes(at)}`;

/** `Set-Cookie` values that add the flow and drop what there is no room for: what does not open or is over first, then the oldest. */
export function setFlowCookie(flow: Flow, at: FlowHost): readonly string[] {
  const name = flowCookieName(flow.id, at.scheme);
  const value = sealFlow(flow, at.host, at.sealer);
  const added = setShortCookie({ name, value, seconds: FLOW_SECONDS }, at);
  return [added, ...deletionsBeside({ count: 1, bytes: name.length + value.length + 1 }, at)];
}

/** `Set-Cookie` values that delete the flow's cookie and those there is no room for. */
export const deleteFlowCookie = (flowId: string, at: FlowHost): readonly string[] => [
  deleteCookie(flowCookieName(flowId, at.scheme), at),
  ...deletionsBeside({ count: 0, bytes: 0, except: flowId }, at),
];

function deletionsBeside(
  taken: { readonly count: number; readonly bytes: number; readonly except?: string },
  at: FlowHost,
): readonly string[] {
  const prefix = flowCookiePrefix(at.scheme);
  const present = cookiesByPrefix(at.request, prefix)
    .filter((cookie) => cookie.name !== `${prefix}${taken.except ?? ''}`)
    .map((cookie) => ({ ...cookie, bytes: cookie.name.length + cookie.value.length + 1 }));
  const live = present
    .map((cookie) => ({ ...cookie, flow: openFlow(cookie.value, at.host, at.sealer) }))
    .flatMap(({ flow, ...cookie }) =>
      flow === undefined || isFlowExpired(flow, at.now) ? [] : [{ ...cookie, beganAt: flow.beganAt }],
    )
    .sort((one, other) => other.beganAt - one.beganAt);
  const kept = new Set<string>();
  let { count, bytes } = taken;
  for (const cookie of live) {
    count += 1;
    bytes += cookie.bytes;
    if (count > FLOWS_MAX || bytes > FLOW_COOKIES_BYTES_MAX) break;
    kept.add(cookie.name);
  }
  const dropped = new Set(present.map(({ name }) => name).filter((name) => !kept.has(name) && isCookieName(name)));
  return [...dropped].slice(0, DELETIONS_MAX).map((name) => deleteCookie(name, at));
}

/** A name is a client's text until it has this form; it is written into a header. */
const isCookieName = (name: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(name);
