/**
 * Ask: what a login must satisfy and where it leads, sealed for the host that performs it. It travels in a URL (to the chooser, or to the
 * authentication host) and is no credential: whoever follows a stranger's ask gets a login that ends at a flow he has no cookie of.
 */

import type { StepUp } from '../../core/policy/step-up.ts';
import type { Sealer } from '../../core/ports.ts';
import { epochSeconds, idpName, type EpochSeconds, type IdpName } from '../../core/units.ts';
import { numberIn, openJson, sealJson, textIn, textsIn } from '../sealed-json.ts';
import { backFields, backIn, FLOW_SECONDS, SKEW_SECONDS, type Back } from './flow.ts';
import { stepUpFields, stepUpIn } from './step-up-fields.ts';

/** `prompt` values that are passed on (OpenID Connect Core §3.1.2.1). */
export type Prompt = 'login' | 'select_account';

export type Ask = {
  readonly at: EpochSeconds;
  /** Providers that will do; empty = all. */
  readonly idps: readonly IdpName[];
  /** A session that is older, or was idle for longer, will not do. */
  readonly lifetimeSeconds: number;
  readonly idleSeconds: number | undefined;
  readonly prompt: Prompt | undefined;
  /** What the sign-in must show. */
  readonly stepUp: StepUp | undefined;
  readonly back: Back;
};

const contextOf = (host: string): string => `ask ${host}`;

export const parsePrompt = (text: string): Prompt | undefined =>
  text === 'login' || text === 'select_account' ? text : undefined;

/** For the `ask` parameter of `sign_in` on `host`. */
export const sealAsk = (ask: Ask, host: string, sealer: Sealer): string =>
  sealJson(
    sealer,
    'flow',
    {
      t: ask.at,
      p: ask.idps,
      l: ask.lifetimeSeconds,
      ...(ask.idleSeconds === undefined ? {} : { d: ask.idleSeconds }),
      ...(ask.prompt === undefined ? {} : { q: ask.prompt }),
      ...stepUpFields(ask.stepUp),
      ...backFields(ask.back),
    },
    contextOf(host),
  );

/** The ask, expired or not; undefined for anything that was not made here for this host. */
export function openAsk(sealed: string, host: string, sealer: Sealer): Ask | undefined {
  const fields = openJson(sealer, 'flow', sealed, contextOf(host));
  if (fields === undefined) return undefined;
  const at = numberIn(fields, 't');
  const idps = textsIn(fields, 'p');
  const lifetimeSeconds = numberIn(fields, 'l');
  const back = backIn(fields);
  if (at === undefined || idps === undefined || lifetimeSeconds === undefined || back === undefined) return undefined;
  return {
    at: epochSeconds(at),
    idps: idps.map((name) => idpName(name)),
    lifetimeSeconds,
    idleSeconds: numberIn(fields, 'd'),
    prompt: parsePrompt(textIn(fields, 'q') ?? ''),
    stepUp: stepUpIn(fields),
    back,
  };
}

export const isAskExpired = (ask: Pick<Ask, 'at'>, now: EpochSeconds): boolean =>
  now >= ask.at + FLOW_SECONDS || ask.at > now + SKEW_SECONDS;
