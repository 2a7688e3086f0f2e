/**
 * Names of everything that Doorward keeps in Redis. Braces are hash tags: a session, an index and a used id each live in a slot of their
 * own, the control slot `{dw}` is one, so that its scripts may touch all of it (also in a Cluster).
 *
 * | key | value |
 * | --- | --- |
 * | `dw:{<handle>}:s` | a session, sealed (record.ts); goes with its absolute end |
 * | `dw:{<handle>}:l` | who may change that session now; goes with its time |
 * | `dw:{<name key>}:x` | sorted set of the handles of one subject or e-mail address, by absolute end |
 * | `dw:{<login key>}:x` | the same of one login at a provider (issuer and `sid`) |
 * | `dw:{dw}:x` | the same of all sessions |
 * | `dw:{<hash of id>}:o` | an id that was used; goes with its time |
 * | `dw:{dw}:ctl` | hash: `era`, `seq`, `replid`, `end`, `probe`; `m:<incarnation>` = `<history>|<applied>|<renewals>` (scripts.ts) |
 * | `dw:{dw}:inv` | stream of invalidations, entry id `<seq>-0` |
 * | `dw:{dw}:t:s:<handle>`, `:t:u:<user key>`, `:t:i:<idp key>`, `:t:p:<login key>`, `:t:all` | tombstones: the `seq` of the revocation |
 * | `dw:{dw}:f:<owner key>` | hash: the facts of a user or of an address, sealed (fact-record.ts); goes with its time |
 */

import { createHash } from 'node:crypto';
import { idpKeyOf, idpSessionKeyOf, nameKeyOf, userKeyOf } from '../../core/session/revocation.ts';
import type { InvalidationKind } from '../../core/revocation/invalidation.ts';
import type { Session } from '../../core/session/session.ts';
import type { SessionHandle } from '../../core/units.ts';

export const CONTROL_KEY = 'dw:{dw}:ctl';
export const INVALIDATIONS_KEY = 'dw:{dw}:inv';
export const ALL_SESSIONS_KEY = 'dw:{dw}:x';

export const sessionKey = (handle: SessionHandle): string => `dw:{${handle}}:s`;

export const claimKey = (handle: SessionHandle): string => `dw:{${handle}}:l`;

/** 132 bits of a name's key are enough to find by; whoever reads an index looks at the sessions themselves. */
const NAME_KEY_CHARS = 22;

/** `name`: a subject or an e-mail address. */
export const nameIndexKey = (name: string): string => `dw:{${nameKeyOf(name).slice(0, NAME_KEY_CHARS)}}:x`;

export const idpSessionIndexKey = (login: { readonly issuer: string; readonly sid: string }): string =>
  `dw:{${idpSessionKeyOf(login).slice(0, NAME_KEY_CHARS)}}:x`;

export const usedIdKey = (id: string): string => `dw:{${createHash('sha256').update(id).digest('base64url')}}:o`;

/** The kinds that set a tombstone. */
export type RevocationKind = Exclude<InvalidationKind, 'fact'>;

/** `key`: a handle, a user key or an identity provider's key; empty for `all`. */
export const tombstoneKey = (kind: RevocationKind, key: string): string =>
  kind === 'all' ? 'dw:{dw}:t:all' : `dw:{dw}:t:${kind}:${key}`;

/** `ownerKey`: core/signals/user-fact.ts. */
export const factsKey = (ownerKey: string): string => `dw:{dw}:f:${ownerKey}`;

/** The tombstones that cover a session, in the order in which `standing` reads them. */
export const tombstoneKeysOf = (session: Session): readonly string[] => [
  tombstoneKey('s', session.handle),
  tombstoneKey('u', userKeyOf(session)),
  tombstoneKey('i', idpKeyOf(session.idp)),
  tombstoneKey('p', idpSessionKeyOf({ issuer: session.issuer, sid: session.idpSessionId })),
  tombstoneKey('all', ''),
];

/** The indexes that name a session. */
export const indexKeysOf = ({
  subject,
  email,
  issuer,
  idpSessionId,
}: Pick<Session, 'subject' | 'email' | 'issuer' | 'idpSessionId'>): readonly string[] => [
  ALL_SESSIONS_KEY,
  nameIndexKey(subject),
  ...(email === '' || email === subject ? [] : [nameIndexKey(email)]),
  ...(idpSessionId === undefined || idpSessionId === '' ? [] : [idpSessionIndexKey({ issuer, sid: idpSessionId })]),
];
