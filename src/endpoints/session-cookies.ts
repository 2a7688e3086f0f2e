/** The session cookie as endpoints see it: made at login, read for the id that another host's cookie needs, deleted at sign-out. */

import type { AccessConfig } from '../core/config.ts';
import { singleCookie } from '../core/request/cookies.ts';
import {
  deleteSessionCookie,
  handleOf,
  openSessionCookie,
  sealSessionCookie,
  sessionCookieName,
  setSessionCookie as setCookieLine,
} from '../core/session/cookie.ts';
import type { Session } from '../core/session/session.ts';
import type { Entropy } from '../core/ports.ts';
import type { SessionHandle } from '../core/units.ts';
import type { EndpointContext, EndpointPorts } from './endpoint.ts';
import { schemeOf } from './origin.ts';

/** 256 bits. */
const SESSION_ID_BYTES = 32;

/** base64url, 43 characters. SECURITY: a secret; it goes into sealed values only. */
export const newSessionId = (entropy: Entropy): string =>
  Buffer.from(entropy.bytes(SESSION_ID_BYTES)).toString('base64url');

export const handleOfSession = (id: string): SessionHandle => handleOf(id);

/** The id in the request's session cookie; undefined without one that opens. To be asked only where `context.session` is live. */
export function sessionIdOf(context: EndpointContext, ports: Pick<EndpointPorts, 'sealer'>): string | undefined {
  const name = sessionCookieName(context.generation.config.cookie_name, schemeOf(context.origin));
  const cookie = singleCookie(context.request, name);
  if (!cookie.ok || cookie.value === undefined) return undefined;
  const opened = openSessionCookie(cookie.value, context.target.host, ports.sealer, context.now);
  // Only the id of the session that was found live: nothing else may be handed on to another host.
  return opened !== undefined && opened.handle === context.session?.handle ? opened.id : undefined;
}

/** `Set-Cookie` that signs this browser in on this host, until the session's absolute end. */
export function setSessionCookie(
  signedIn: { readonly id: string; readonly session: Session },
  context: EndpointContext,
  ports: Pick<EndpointPorts, 'sealer'>,
): string {
  const { id, session } = signedIn;
  const value = sealSessionCookie(
    { id, issuedAt: context.now, expiresAt: session.expiresAt },
    context.target.host,
    ports.sealer,
  );
  return setCookieLine(value, { ...cookieOf(context), maxAgeSeconds: Math.floor(session.expiresAt - context.now) });
}

export const dropSessionCookie = (context: EndpointContext): string => deleteSessionCookie(cookieOf(context));

const cookieOf = (
  context: EndpointContext,
): {
  readonly name: string;
  readonly scheme: 'https' | 'http';
  readonly sameSite: AccessConfig['cookie_same_site'];
} => {
  const scheme = schemeOf(context.origin);
  const { config } = context.generation;
  return { name: sessionCookieName(config.cookie_name, scheme), scheme, sameSite: config.cookie_same_site };
};
