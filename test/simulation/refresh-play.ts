/**
 * A refresh, as a process that refreshes uses the store: claim the session, ask the provider while the claim is kept, write back what has become of
 * the session, and give the claim up.
 */

import type { Replacement } from '../../src/core/ports.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { SessionHandle } from '../../src/core/units.ts';
import type { Parts } from './parts.ts';
import { pass, rethrowUnlessDependency, type Process } from './process.ts';

const CLAIM_MS = 400;
const KEEP_EACH_MS = 130;

const TOKEN = 'answer ';

/** Which answer of the provider a session is made of: 0 = that of its login. */
export const answerOf = ({ tokens }: Session): number =>
  tokens.accessToken?.startsWith(TOKEN) === true ? Number(tokens.accessToken.slice(TOKEN.length)) : 0;

/** Gives undefined where another process has it, or there is nothing to refresh. @throws DependencyError */
export async function refresh(options: {
  readonly process: Process;
  readonly handle: SessionHandle;
  readonly refreshed: Parts['refreshed'];
  readonly owner: string;
  /** How long the provider takes. */
  readonly providerMs: number;
  /** Whether the claim is kept for so long. */
  readonly isKept: boolean;
  /** Counts the answers of the provider. */
  readonly nextAnswer: () => number;
}): Promise<{ readonly replacement: Replacement; readonly answer: number } | undefined> {
  const { process, handle, refreshed, owner, providerMs, isKept, nextAnswer } = options;
  const { machine } = process;
  const { sessions } = process.stores;
  const claim = await sessions.claim(handle, owner, CLAIM_MS);
  if (claim.kind !== 'claimed') return undefined;
  const callOff = isKept ? keep(process, handle, owner) : (): void => undefined;
  await pass(machine, providerMs);
  const answer = nextAnswer();
  callOff();
  const tokens = { ...claim.session.tokens, accessToken: `${TOKEN}${answer}` };
  const session = await refreshed(claim.session, { tokens, isUserConfirmed: true }, machine.clock.now(), sessions);
  const replacement = await sessions.replace(session, owner);
  await sessions.release(handle, owner).catch(rethrowUnlessDependency);
  return { replacement, answer };
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
