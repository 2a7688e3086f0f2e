/** What Doorward needs from outside, in its own words. Each port has at least a memory implementation and a contract test. */

import type { AuditRecord } from './audit/audit-record.ts';
import type { CertificateFacts } from './policy/facts.ts';
import type { StepUp } from './policy/step-up.ts';
import type { RecordSnapshot } from './policy/record-snapshot.ts';
import type { AccessRequest } from './request/access-request.ts';
import type { Outcome } from './response/decision.ts';
import type { Result } from './result.ts';
import type { Invalidation } from './revocation/invalidation.ts';
import type { Refreshed, RefreshKind } from './session/refreshed.ts';
import type { ClaimValue, LoginMark, Session } from './session/session.ts';
import type { TrustedIssuer, VerifiedMessage } from './signals/signed-message.ts';
import type { FactHolder, FactOwner, UserFact } from './signals/user-fact.ts';
import type { EpochSeconds, IdpName, SessionHandle } from './units.ts';

/** A value now where it is at hand (memory), a promise where it is not. With everything at hand a Check makes no promise. */
export type Eventually<T> = T | Promise<T>;

export interface Clock {
  now(): EpochSeconds;
  /** Milliseconds that never go back; for leases, deadlines and latency. */
  monotonicMs(): number;
}

export interface Entropy {
  bytes(length: number): Uint8Array;
}

export type DependencyCode =
  'store-unavailable' | 'store-corrupt' | 'idp-unavailable' | 'idp-refused' | 'signing-failed';

/** The only thing an adapter throws. `message` is for logs and has no secret in it; `cause` is never shown to clients. */
export class DependencyError extends Error {
  readonly code: DependencyCode;
  constructor(code: DependencyCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DependencyError';
    this.code = code;
  }
}

export const isDependencyError = (error: unknown): error is DependencyError =>
  typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'DependencyError';

export type RevocationReason = 'sign-out' | 'admin' | 'idp-logout' | 'expired-at-idp' | 'renewed' | 'over-limit';

/** What is ended: one session, all of a user (issuer and subject), all that a provider signed in, or everything. Logins in flight included. */
export type RevocationTarget =
  | { readonly kind: 'session'; readonly handle: SessionHandle }
  | { readonly kind: 'user'; readonly issuer: string; readonly subject: string }
  /** All that came of one login at a provider: its issuer and `sid`. */
  | { readonly kind: 'idp-session'; readonly issuer: string; readonly sid: string }
  | { readonly kind: 'idp'; readonly idp: IdpName }
  | { readonly kind: 'all' };

/**
 * `unreachable`, and `store-corrupt` where what is stored is not ours: it is not known whether it was carried out. The others: it was, but may be
 * lost, or not known everywhere yet.
 */
export type NotConfirmed = 'unreachable' | 'store-corrupt' | 'not-on-all-nodes' | 'history-changed';

/** Of a revocation, or of a fact that was written. */
export type Announced =
  /** No process decides by what was before: no Check that starts from now on (docs/sessions.md). */
  | {
      readonly kind: 'confirmed';
      /** Processes there are; how many of them said that they know. The others hold nothing any more by which they could decide. */
      readonly members: number;
      readonly acknowledged: number;
      readonly tookMs: number;
    }
  /** SECURITY: never to be told as done. Asking again is safe. */
  | { readonly kind: 'not-confirmed'; readonly why: NotConfirmed; readonly tookMs: number };

/** `sessions`: how many live ones ended; undefined where that is not counted (wide revocations are one key, not a loop). */
export type Revocation = Announced & { readonly sessions: number | undefined };

export type SessionSummary = Pick<
  Session,
  'handle' | 'idp' | 'issuer' | 'subject' | 'email' | 'name' | 'createdAt' | 'expiresAt' | 'lastSeenAt'
>;

/** Of whom sessions are listed; at most one of the two. */
export type SessionQuery = {
  readonly user?: string;
  readonly idpSession?: { readonly issuer: string; readonly sid: string };
  readonly limit: number;
};

export type SessionClaim =
  | { readonly kind: 'claimed'; readonly session: Session }
  /** Another owner has it. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'absent' };

export type Replacement =
  | { readonly kind: 'replaced'; readonly announced: Announced }
  /** It is gone, another version, or not this owner's any more; nothing was written. */
  | { readonly kind: 'refused' };

/** Sessions by handle. Implemented by memory and by Redis; both pass test/contract/session-store.contract.ts. */
export interface SessionStore {
  /**
   * The live session; undefined when there is none. A value that comes at once holds at this very moment. What a promise gave held when it
   * was read: who decides by it asks again, in the same turn, and decides by what comes at once. @throws DependencyError when it cannot be
   * known, or is not ours.
   */
  get(handle: SessionHandle): Eventually<Session | undefined>;
  /** The next `get` reads the session from where it is stored, whatever is at hand: another process may have moved its last use. */
  forget(handle: SessionHandle): void;
  /** Where the control slot stands now; read it before the code is redeemed. */
  loginMark(): Eventually<LoginMark>;
  /** Stores a new session. Refuses (returns false) when a wide revocation came after its mark. */
  create(session: Session): Promise<boolean>;
  /** Moves `lastSeenAt`; callers ask when it is due (core/session/state.ts). Never re-creates a session. */
  touch(handle: SessionHandle, lastSeenAt: EpochSeconds): Promise<void>;
  /**
   * Takes, or keeps, the right to change a session for `ttlMs`, for `owner` (random, one per change) alone among all processes; and gives the
   * session as it is stored at that moment. To be asked again before the time is over, while the change is being made. @throws DependencyError
   */
  claim(handle: SessionHandle, owner: string, ttlMs: number): Promise<SessionClaim>;
  /**
   * Stores what a session has become, only where it is still there, in the version before, and claimed by `owner`. Never re-creates one, and
   * keeps the last use that is stored. `announced` says whether every process knows. @throws DependencyError
   */
  replace(session: Session, owner: string): Promise<Replacement>;
  /** Gives the right up, where it is this owner's. @throws DependencyError */
  release(handle: SessionHandle, owner: string): Promise<void>;
  /** Ends it everywhere. Resolves, also where it could not be done; the guarantee is that of `confirmed`. */
  revoke(target: RevocationTarget, why: RevocationReason): Promise<Revocation>;
  /**
   * Live sessions, newest first; of one user if `user` matches its subject or e-mail address exactly; of one login at a provider. Costs what
   * the answer does.
   */
  list(query: SessionQuery): Promise<readonly SessionSummary[]>;
  /** Resolves when the store answers; used by /readyz?verbose only. @throws DependencyError */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What transmitters said of users. Implemented by memory and by Redis; both pass test/contract/user-facts.contract.ts. */
export interface UserFacts {
  /**
   * What counts for who has a session, at its user and at its address. What comes at once holds at this very moment; after a promise it has to be
   * asked again, as SessionStore.get says. @throws DependencyError when it cannot be known, or is not ours.
   */
  of(holder: FactHolder): Eventually<readonly UserFact[]>;
  /**
   * Takes the place of an older one of its scope; a newer one stays; `roomFor` where the owner has no room. Resolves, also where it could not be done;
   * `confirmed`: no Check that starts from now on is decided by what was before. SECURITY: only for what a verified message says.
   */
  put(owner: FactOwner, fact: UserFact): Promise<Announced>;
}

/** Ids that may be used once: login flows, tickets. */
export interface OnceRegistry {
  /**
   * Whether `use` was called for it within its time. Writes nothing, so it may be asked for a stranger. It answers no race: two may hear
   * false, and only one of them then hears true from `use`. @throws DependencyError when it cannot be known.
   */
  wasUsed(id: string): Eventually<boolean>;
  /** True the first time within `ttlSeconds`, false ever after. @throws DependencyError when it cannot be known. */
  use(id: string, ttlSeconds: number): Eventually<boolean>;
}

/** What a login told about the user. Claims are as in the ID token and userinfo, not flattened yet. */
export type Identity = {
  readonly issuer: string;
  readonly subject: string;
  readonly idTokenClaims: Readonly<Record<string, ClaimValue>>;
  readonly userinfoClaims: Readonly<Record<string, ClaimValue>> | undefined;
  readonly tokens: Session['tokens'];
};

/** Of whom a provider is asked again, and with what. */
export type RefreshOf = Pick<Session, 'issuer' | 'subject' | 'tokens'>;

export type IdpAnswer =
  /** `failure`: why the user is not confirmed, in words for logs. */
  | { readonly kind: 'refreshed'; readonly refreshed: Refreshed; readonly failure?: string }
  /** The provider signed in nobody any more by these tokens, or somebody else. `why` is for logs. */
  | { readonly kind: 'ended'; readonly why: string };

/** One OpenID provider, found by discovery. All calls have a deadline. @throws DependencyError idp-unavailable | idp-refused */
export interface IdentityProvider {
  readonly name: IdpName;
  /** As shown on the chooser page. */
  readonly label: string;
  /** Resolved without I/O once discovery has worked; before, it tries discovery. */
  authorizationUrl(parameters: {
    readonly redirectUri: string;
    readonly state: string;
    readonly nonce: string;
    readonly codeVerifier: string;
    readonly prompt?: 'login' | 'select_account';
    /** What the sign-in must show: `acr_values` and `max_age`. */
    readonly stepUp?: StepUp;
  }): Promise<string>;
  /**
   * Redeems the code of a callback. Checks state, nonce, `iss` (RFC 9207), signature, audience and times.
   * `callbackUrl` is redirectUri with the query that came back.
   */
  redeem(parameters: {
    readonly callbackUrl: string;
    readonly state: string;
    readonly nonce: string;
    readonly codeVerifier: string;
  }): Promise<Identity>;
  /**
   * What the provider says of a session now. `user`: by the access token, where that will do. Once the provider has given new tokens they are
   * in the answer, whatever failed afterwards. @throws DependencyError also where Doorward itself is refused: that ends no session.
   */
  refresh(of: RefreshOf, kind: RefreshKind): Promise<IdpAnswer>;
  /** RP-initiated logout; undefined when the provider has no `end_session_endpoint`. */
  endSessionUrl(parameters: {
    readonly idToken: string | undefined;
    readonly returnTo: string;
    readonly state: string;
  }): Promise<string | undefined>;
  /** RFC 7009, best effort. */
  revokeTokens(tokens: Session['tokens']): Promise<void>;
  /** Whose messages of logouts are believed. Resolved without I/O once discovery has worked. */
  trust(): Promise<LogoutTrust>;
  /** For /readyz?verbose. */
  status(): 'ready' | 'trying' | { readonly failed: string };
}

export type LogoutTrust = TrustedIssuer & {
  /** The audience of its logout tokens. */
  readonly clientId: string;
  /** `typed`: only with `typ: logout+jwt`; `off`: its messages are refused. */
  readonly backchannelLogout: 'any' | 'typed' | 'off';
};

/** Verifies what others signed. The error says what is wrong with the message, in words without any of it. */
export interface SignedMessages {
  /** By the keys of that issuer, which are fetched where they are not at hand. @throws DependencyError idp-unavailable */
  verify(message: string, issuer: TrustedIssuer): Promise<Result<VerifiedMessage, string>>;
}

/** Judges client certificates by the rules of one generation. Never throws. */
export interface ClientCertificates {
  /**
   * `encoded`: as Envoy passes it on (URL-encoded PEM, leaf first); '' = none. `clientCa`: Route.clientCa; undefined = the authorities of
   * the installation.
   */
  factsOf(encoded: string, clientCa: string | undefined, now: EpochSeconds): CertificateFacts;
}

/** Signs what Doorward says to upstreams. Synchronous: node:crypto on a miss, a cache in front of it. */
export interface AssertionSigner {
  /** Compact JWS over `claims` (JSON text), `typ: JWT`, `kid` = hex RFC 7638 thumbprint. @throws DependencyError signing-failed */
  sign(claimsJson: string): string;
  /** The JWKS document (JSON text): every public key, also of keys that no longer sign. */
  jwks(): string;
}

/** What a sealed value is for. A value sealed for one purpose never opens for another. */
export type SealPurpose = 'session-cookie' | 'flow' | 'ticket' | 'confirm' | 'hold';

/** AEAD under `cookie_secret` / `shared_secret`: the first secret seals, all open. */
export interface Sealer {
  /** base64url text. `context` is bound as associated data (the host, for cookies). */
  seal(purpose: SealPurpose, plaintext: string, context: string): string;
  /** The plaintext, or undefined for anything that was not sealed here for this purpose and context. Never throws. */
  open(purpose: SealPurpose, sealed: string, context: string): string | undefined;
}

/** `Entry`: of Checks, one per Check received; an administrator's changes come to the same place (core/audit/change-record.ts). */
export interface AuditSink<Entry = AuditRecord> {
  /** No further record can be taken: what would need one must be refused (invariant 4). */
  isFull(): boolean;
  /** Takes exactly one record per Check, or change. Must not block and must not throw. */
  write(record: Entry): void;
}

/** The audit of changes, where what is about to be done is written before it is. */
export interface ChangeAudit<Entry> extends AuditSink<Entry> {
  /** Resolves when everything given so far is with the operating system, or never can be (then it is full). Never rejects. */
  flush(): Promise<void>;
}

export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What the transport hands Checks to. Every Check received goes through exactly one of these, so each is audited once. Never throws. */
export interface CheckHandler {
  /** `budgetMs`: how long Envoy will wait, from the call's `grpc-timeout`; undefined where it set none. */
  answer(request: AccessRequest, budgetMs: number | undefined): Eventually<Outcome>;
  /** Bytes that are no CheckRequest; `reason` is of the reader, never client text. */
  malformed(reason: string): Outcome;
  /** More Checks in flight than the bound allows. */
  overloaded(request: AccessRequest): Outcome;
}

/** `changed`: a new table was taken over. */
export type PollResult = 'changed' | 'unchanged' | 'failed';

export type FactSourceStatus = {
  readonly snapshot: RecordSnapshot | undefined;
  /** Looks by what came of them, since the source was opened. */
  readonly polls: Readonly<Record<PollResult, number>>;
  /** Why the last look failed, in words without secrets; undefined when it did not. */
  readonly failure: string | undefined;
};

/** A source of records (src/core/policy/records.ts). What it holds is at hand at once, never changes, and is replaced whole. */
export interface FactSource {
  readonly name: string;
  /** What it said last; undefined before the first good answer. */
  snapshot(): RecordSnapshot | undefined;
  status(): FactSourceStatus;
}

/** How a stream ends: `status` and `body` where its answer has not begun. `details`: for the access log. */
export type StreamEnd = { readonly status: number; readonly body: string; readonly details: string };

/** One stream of a client, as its proxy holds it open for Doorward. */
export interface HeldLine {
  /** Nobody is there any more, or it was ended. */
  isOver(): boolean;
  /** Ends the stream itself, towards both sides. */
  cut(end: StreamEnd): void;
  /** Ends the hold; the stream lives on. */
  release(): void;
}

export type HoldAnswer =
  /** `gone`: to be called once, when the proxy says that the stream is over. */
  { readonly kind: 'held'; readonly gone: () => void } | { readonly kind: 'refused'; readonly end: StreamEnd };

/** What the transport hands streams to. */
export interface HoldHandler {
  /**
   * Whether the stream may be, now. `ticket`: of the Check that let it through; `host`: as the proxy says, not the ticket. The line may be cut before
   * the answer has come.
   */
  hold(
    asked: { readonly ticket: string | undefined; readonly host: string | undefined },
    line: HeldLine,
  ): Eventually<HoldAnswer>;
}

/** What a store learns that may change what Checks are decided by, told in the turn in which it is applied, and before it is told as done. */
export interface StoreNewsListener {
  /** In the order in which they were carried out. */
  onInvalidated(entries: readonly Invalidation[]): void;
  /** Anything may have changed: what was known counts no longer. */
  onAnew(): void;
}
