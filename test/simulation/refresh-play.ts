/**
 * Refreshes. By turns that of src/refresh-session.ts itself, whose claims outlast most of what happens in a world, and the same calls of the store with
 * claims so short that they lapse under the hands of their owner: claim, ask the provider, write back, give the claim up.
 */

import type { IdentityProvider } from '../../src/core/ports.ts';
import type { Session } from '../../src/core/session/session.ts';
import { refreshedSession } from '../../src/core/session/refresh.ts';
import type { SessionHandle } from '../../src/core/units.ts';
import { refreshSession } from '../../src/refresh-session.ts';
import type { Parts } from './parts.ts';
import { pass, rethrowUnlessDependency, type Process } from './process.ts';
import type { Random } from './random.ts';

const CLAIM_MS = 400;
const KEEP_EACH_MS = 130;

const TOKEN = 'answer ';

/** Which answer of the provider a session is made of: 0 = that of its login. */
export const answerOf = ({ tokens }: Session): number =>
  tokens.accessToken?.startsWith(TOKEN) === true ? Number(tokens.accessToken.slice(TOKEN.length)) : 0;

const answered = ({ tokens }: Pick<Session, 'tokens'>, answer: number) => ({
  tokens: { ...tokens, accessToken: `${TOKEN}${answer}` },
  isUserConfirmed: true,
});

export type Refresh = {
  readonly process: Process;
  readonly handle: SessionHandle;
  /** Through which the store is used. */
  readonly through: Parts['refreshesThrough'];
  readonly random: Random;
  /** How long the provider takes. */
  readonly providerMs: number;
  /** Counts the answers of the provider. */
  readonly nextAnswer: () => number;
};

/** `isKnown`: to every process. `ended`: the provider has ended the session, which is confirmed. */
export type RefreshEnd =
  | { readonly kind: 'written'; readonly answer: number; readonly isKnown: boolean }
  | { readonly kind: 'refused' | 'ended' | 'nothing' };

/** `endsChance`: how often the provider says that the session is over. Never rejects by an outage. */
export async function refreshByItself(
  { process, handle, through, random, providerMs, nextAnswer }: Refresh,
  endsChance: number,
): Promise<RefreshEnd> {
  const { machine, stores } = process;
  let answer = 0;
  const provider: Pick<IdentityProvider, 'refresh'> = {
    refresh: async (session) => {
      await pass(machine, providerMs);
      if (random.chance(endsChance)) return { kind: 'ended', why: 'of the world' };
      answer = nextAnswer();
      return { kind: 'refreshed', refreshed: answered(session, answer) };
    },
  };
  const { clock, timers } = machine;
  const ports = { sessions: through(stores.sessions), clock, timers, entropy: random };
  const asked = { handle, provider: provider as IdentityProvider, recheckSeconds: 0 };
  const result = await refreshSession(asked, ports);
  if (result.kind === 'refreshed') return { kind: 'written', answer, isKnown: result.unannounced === undefined };
  if (result.kind === 'ended') return { kind: 'ended' };
  return { kind: result.kind === 'gone' && answer > 0 ? 'refused' : 'nothing' };
}

/** `isKept`: whether the claim is taken again while the provider is asked. @throws DependencyError */
export async function refreshWithShortClaim(
  { process, handle, through, random, providerMs, nextAnswer }: Refresh,
  isKept: boolean,
): Promise<RefreshEnd> {
  const { machine } = process;
  const sessions = through(process.stores.sessions);
  const owner = Buffer.from(random.bytes(6)).toString('hex');
  const claim = await sessions.claim(handle, owner, CLAIM_MS);
  if (claim.kind !== 'claimed') return { kind: 'nothing' };
  const callOff = isKept ? keep(process, handle, owner) : (): void => undefined;
  await pass(machine, providerMs);
  const answer = nextAnswer();
  callOff();
  const session = refreshedSession(claim.session, answered(claim.session, answer), machine.clock.now());
  const replacement = await sessions.replace(session, owner);
  await sessions.release(handle, owner).catch(rethrowUnlessDependency);
  if (replacement.kind === 'refused') return { kind: 'refused' };
  return { kind: 'written', answer, isKnown: replacement.announced.kind === 'confirmed' };
}

/** Whether it still has the claim is for the store to say, when it writes. */
function keep({ machine, stores: { sessions } }: Process, handle: SessionHandle, owner: string): () => void {
  let callOff = (): void => undefined;
  const again = (): void => {
    callOff = machine.timers.after(KEEP_EACH_MS, () => {
      again();
      sessions.claim(handle, owner, CLAIM_MS).catch(rethrowUnlessDependency);
    });
  };
  again();
  return () => callOff();
}
