/**
 * One refresh of one session: claim it, look whether it is still due, ask its provider, and store what comes of it. All that can happen between
 * is answered here: another process is at it or was faster, the session is gone, the provider has ended it, or somebody does not answer.
 */

import {
  isDependencyError,
  type Clock,
  type DependencyCode,
  type Entropy,
  type IdentityProvider,
  type IdpAnswer,
  type SessionClaim,
  type SessionStore,
} from './core/ports.ts';
import { isUnchanged, isWritten, refreshedSession, refreshKind, refreshState } from './core/session/refresh.ts';
import type { Refreshed, RefreshKind } from './core/session/refreshed.ts';
import { codeOf } from './core/session/revocation.ts';
import type { Session } from './core/session/session.ts';
import { sleep, type Timers } from './core/timers.ts';
import type { SessionHandle } from './core/units.ts';

/** A process that dies keeps others from its session for so long. */
const CLAIM_MS = 10_000;
/** A claim is renewed so often while the provider is asked. */
const CLAIM_AGAIN_MS = 2_000;
const OWNER_BYTES = 16;
const STORE_AGAIN_FIRST_MS = 50;
const STORE_AGAIN_MS_MAX = 1_000;

export type RefreshPorts = {
  readonly sessions: Pick<SessionStore, 'claim' | 'replace' | 'release' | 'revoke'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly entropy: Entropy;
};

export type RefreshAsked = {
  readonly handle: SessionHandle;
  readonly provider: IdentityProvider;
  readonly recheckSeconds: number;
};

/** Where it came to: `kind` is what the provider was asked for. Texts are for logs and have no secret in them. */
export type RefreshResult =
  /** Another process has it now. */
  | { readonly kind: 'taken' }
  /** There is nothing left to do: another process did it. */
  | { readonly kind: 'elsewhere' }
  /** There is no such session any more, or another process took it over while the provider was asked. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'ended'; readonly asked: RefreshKind; readonly why: string }
  | {
      readonly kind: 'refreshed';
      readonly asked: RefreshKind;
      readonly session: Session;
      /** Why the user is not confirmed; the tokens are stored. */
      readonly failure: string | undefined;
      /** Why it is not known that every process knows. */
      readonly unannounced: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly asked: RefreshKind | undefined;
      readonly why: string;
      readonly code: DependencyCode;
    };

/** What is at hand of the session may be older afterwards than what is stored. @throws what is no DependencyError: a fault in Doorward */
export async function refreshSession(asked: RefreshAsked, ports: RefreshPorts): Promise<RefreshResult> {
  const claim = claimOf(asked.handle, ports);
  let kind: RefreshKind | undefined;
  try {
    const claimed = await claim.take();
    if (claimed.kind !== 'claimed') return { kind: claimed.kind === 'taken' ? 'taken' : 'gone' };
    const { session } = claimed;
    const now = ports.clock.now();
    if (refreshState(session, now, asked.recheckSeconds) === 'fresh') return { kind: 'elsewhere' };
    const asking = refreshKind(session, now);
    kind = asking;
    const answer = await claim.keptWhile(() => asked.provider.refresh(session, asking));
    return answer.kind === 'ended'
      ? await endUnlessChanged({ session, why: answer.why, kind: asking }, claim, ports)
      : await store({ before: session, answer, kind: asking }, claim, ports);
  } catch (error) {
    if (!isDependencyError(error)) throw error;
    return { kind: 'failed', asked: kind, why: error.message, code: error.code };
  } finally {
    await claim.giveUp();
  }
}

type Claim = {
  readonly owner: string;
  take(): Promise<SessionClaim>;
  keptWhile<T>(run: () => Promise<T>): Promise<T>;
  giveUp(): Promise<void>;
};

function claimOf(handle: SessionHandle, { sessions, timers, entropy }: RefreshPorts): Claim {
  const owner = Buffer.from(entropy.bytes(OWNER_BYTES)).toString('base64url');
  let isHeld = false;
  const take = async (): Promise<SessionClaim> => {
    // Also where no answer comes it may have been taken.
    isHeld = true;
    const claimed = await sessions.claim(handle, owner, CLAIM_MS);
    isHeld = claimed.kind === 'claimed';
    return claimed;
  };
  return {
    owner,
    take,
    async keptWhile(run) {
      let isOver = false;
      let callOff = (): void => undefined;
      let taking: Promise<unknown> = Promise.resolve();
      const takeLater = (): void => {
        callOff = timers.after(CLAIM_AGAIN_MS, () => {
          // What fails here shows when the session is to be stored.
          taking = take().catch(() => undefined);
          void taking.then(() => (isOver ? undefined : takeLater()));
        });
      };
      takeLater();
      try {
        return await run();
      } finally {
        isOver = true;
        callOff();
        // Else it could come after the claim was given up.
        await taking;
      }
    },
    async giveUp() {
      if (!isHeld) return;
      try {
        await sessions.release(handle, owner);
      } catch (error) {
        // Then it goes with its time.
        if (!isDependencyError(error)) throw error;
      }
    },
  };
}

/** SECURITY: the provider ends what it was asked by. Another process may have redeemed the refresh token meanwhile, which ended nothing. */
async function endUnlessChanged(
  { session, why, kind }: { readonly session: Session; readonly why: string; readonly kind: RefreshKind },
  claim: Claim,
  { sessions }: RefreshPorts,
): Promise<RefreshResult> {
  const again = await claim.take();
  if (again.kind !== 'claimed') return { kind: again.kind === 'taken' ? 'taken' : 'gone' };
  if (!isUnchanged(session, again.session)) return { kind: 'elsewhere' };
  const revocation = await sessions.revoke({ kind: 'session', handle: session.handle }, 'expired-at-idp');
  if (revocation.kind === 'confirmed') return { kind: 'ended', asked: kind, why };
  const failure = `the provider has ended it (${why}), and that is not confirmed: ${revocation.why}`;
  return { kind: 'failed', asked: kind, why: failure, code: codeOf(revocation.why) };
}

type Answered = {
  readonly before: Session;
  readonly answer: Extract<IdpAnswer, { readonly kind: 'refreshed' }>;
  readonly kind: RefreshKind;
};

async function store({ before, answer, kind }: Answered, claim: Claim, ports: RefreshPorts): Promise<RefreshResult> {
  const { session, failure } = afterAnswer(before, answer, ports.clock);
  // SECURITY: the refresh token of before may be used up, and to send it again may look like theft: new tokens are not given up easily.
  const untilMs = answer.refreshed.tokens === undefined ? -Infinity : ports.clock.monotonicMs() + CLAIM_MS;
  for (let pauseMs = STORE_AGAIN_FIRST_MS; ; pauseMs = Math.min(STORE_AGAIN_MS_MAX, pauseMs * 2)) {
    try {
      const stored = await storeOnce(session, before, claim, ports);
      if (stored.kind === 'stored')
        return { kind: 'refreshed', asked: kind, session, failure, unannounced: stored.unannounced };
      if (stored.kind === 'gone') return stored;
      if (ports.clock.monotonicMs() >= untilMs) return { kind: 'gone' };
    } catch (error) {
      if (!isDependencyError(error) || ports.clock.monotonicMs() + pauseMs >= untilMs) throw error;
    }
    await sleep(ports.timers, pauseMs);
  }
}

/** New tokens stay in hand where claims cannot be taken over. */
function afterAnswer(
  before: Session,
  { refreshed, failure }: Answered['answer'],
  clock: Clock,
): { readonly session: Session; readonly failure: string | undefined } {
  const now = clock.now();
  try {
    return { session: refreshedSession(before, refreshed, now), failure };
  } catch (error) {
    if (!isDependencyError(error) || refreshed.tokens === undefined) throw error;
    const tokensOnly: Refreshed = { tokens: refreshed.tokens, isUserConfirmed: false };
    return { session: refreshedSession(before, tokensOnly, now), failure: error.message };
  }
}

type Stored =
  | { readonly kind: 'stored'; readonly unannounced: string | undefined }
  | { readonly kind: 'gone' }
  /** Nobody has changed it, and it was not this owner's any more. */
  | { readonly kind: 'lapsed' };

async function storeOnce(session: Session, before: Session, claim: Claim, ports: RefreshPorts): Promise<Stored> {
  const replacement = await ports.sessions.replace(session, claim.owner);
  if (replacement.kind === 'replaced') {
    const { announced } = replacement;
    return { kind: 'stored', unannounced: announced.kind === 'confirmed' ? undefined : announced.why };
  }
  // It may be ours, written by an attempt whose answer got lost; then other processes were not told.
  const again = await claim.take();
  if (again.kind !== 'claimed') return { kind: 'gone' };
  if (isWritten(session, again.session)) return { kind: 'stored', unannounced: 'unreachable' };
  return { kind: isUnchanged(before, again.session) ? 'lapsed' : 'gone' };
}
