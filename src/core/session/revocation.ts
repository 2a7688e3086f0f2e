/** What ends a session from outside: tombstones, each the number that the control slot had when it was set. Pure; stores keep the numbers. */

import { createHash } from 'node:crypto';
import { DependencyError, type Announced, type DependencyCode, type NotConfirmed } from '../ports.ts';
import { coverOf, type Cover } from '../revocation/invalidation.ts';
import type { LoginMark, Session } from './session.ts';

/** undefined = there is none. */
export type Tombstones = {
  readonly session: number | undefined;
  readonly user: number | undefined;
  readonly idp: number | undefined;
  /** Of the login at the provider that it came of. */
  readonly idpSession: number | undefined;
  readonly all: number | undefined;
};

/** `mark` was read before the login's code was redeemed, so a wide revocation that is newer ends the session whenever it was stored. */
export const isRevoked = (mark: LoginMark, tombstones: Tombstones): boolean =>
  tombstones.session !== undefined ||
  [tombstones.user, tombstones.idp, tombstones.idpSession, tombstones.all].some(
    (seq) => seq !== undefined && seq > mark.seq,
  );

const digest = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** Names a user (issuer and subject) in stores; 43 characters. */
export const userKeyOf = (user: { readonly issuer: string; readonly subject: string }): string =>
  digest(['user', user.issuer, user.subject]);

/** Names, in stores, everybody who has this subject or e-mail address; 43 characters. */
export const nameKeyOf = (subjectOrEmail: string): string => digest(['name', subjectOrEmail]);

/** Names an identity provider in stores; 43 characters. */
export const idpKeyOf = (idp: string): string => digest(['idp', idp]);

/** Names one login at a provider (issuer and `sid`) in stores; 43 characters. A session without `sid` has the name of an empty one, which nothing ends. */
export const idpSessionKeyOf = (login: { readonly issuer: string; readonly sid: string | undefined }): string =>
  digest(['idp-session', login.issuer, login.sid ?? '']);

/** The invalidations after which a session has to be read anew. */
export const coversOf = (session: Session): readonly Cover[] => [
  coverOf('s', session.handle),
  coverOf('u', userKeyOf(session)),
  coverOf('i', idpKeyOf(session.idp)),
  coverOf('p', idpSessionKeyOf({ issuer: session.issuer, sid: session.idpSessionId })),
  coverOf('all', ''),
  coverOf('fact', session.handle),
];

/** What is not confirmed is refused as an outage. @throws DependencyError store-unavailable | store-corrupt */
export function assertConfirmed(announced: Announced): asserts announced is Announced & { readonly kind: 'confirmed' } {
  if (announced.kind === 'confirmed') return;
  throw new DependencyError(codeOf(announced.why), `a revocation is not confirmed: ${announced.why}`);
}

/** As what an announcement counts that is not confirmed. */
export const codeOf = (why: NotConfirmed): DependencyCode => (why === 'store-corrupt' ? why : 'store-unavailable');
