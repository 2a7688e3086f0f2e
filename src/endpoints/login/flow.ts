/**
 * Flow: one login on its way, kept in a sealed cookie of the browser that began it and nowhere else. One cookie per flow, so that tabs do not
 * disturb each other; host-bound, so that a flow of one host is nothing on another.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';

import type { StepUp } from '../../core/policy/step-up.ts';
import type { Entropy, Sealer } from '../../core/ports.ts';
import { epochSeconds, idpName, type EpochSeconds, type IdpName } from '../../core/units.ts';
import { numberIn, openJson, sealJson, textIn, type Fields } from '../sealed-json.ts';
import { stepUpFields, stepUpIn } from './step-up-fields.ts';

/** How long a user may take at the identity provider. */
export const FLOW_SECONDS = 600;
/** Replicas do not agree on the time to the second. */
export const SKEW_SECONDS = 60;

/** 96 bits: names the flow in cookie name, state and the registry of used ids. It is not a secret. */
const FLOW_ID_BYTES = 12;
const FLOW_SECRET_BYTES = 32;
const FLOW_ID = /^[A-Za-z0-9_-]{16}$/;

/** What a login leads to. */
export type Back =
  /** This host, at a path. */
  | { readonly kind: 'here'; readonly path: string }
  /** A ticket for another host, whose own flow waits for it. */
  | { readonly kind: 'host'; readonly host: string; readonly flowId: string };

export type Flow = {
  readonly id: string;
  /** base64url of 256 bits. State, nonce and code verifier are derived from it, which keeps the cookie small. */
  readonly secret: string;
  /** The provider that was asked; undefined where this host waits for a ticket of the authentication host. */
  readonly idp: IdpName | undefined;
  readonly beganAt: EpochSeconds;
  /** A fresh sign-in was asked for: a session that another tab made meanwhile does not do. */
  readonly isForced: boolean;
  /** What the sign-in must show. */
  readonly stepUp: StepUp | undefined;
  readonly back: Back;
};

export function newFlow(from: Pick<Flow, 'idp' | 'beganAt' | 'isForced' | 'stepUp' | 'back'>, entropy: Entropy): Flow {
  const text = (length: number): string => Buffer.from(entropy.bytes(length)).toString('base64url');
  return { id: text(FLOW_ID_BYTES), secret: text(FLOW_SECRET_BYTES), ...from };
}

export const isFlowExpired = (flow: Pick<Flow, 'beganAt'>, now: EpochSeconds): boolean =>
  now >= flow.beganAt + FLOW_SECONDS || flow.beganAt > now + SKEW_SECONDS;

/** base64url, 43 characters: within the 43 to 128 of a code verifier (RFC 7636 §4.1). */
const derive = (flow: Pick<Flow, 'secret'>, purpose: 'state' | 'nonce' | 'code-verifier'): string =>
  createHmac('sha256', flow.secret).update(purpose).digest('base64url');

/** `<flow id>.<43 characters>`: the id finds the cookie, the rest proves that it is this browser's. */
export const stateOf = (flow: Pick<Flow, 'id' | 'secret'>): string => `${flow.id}.${derive(flow, 'state')}`;
export const nonceOf = (flow: Pick<Flow, 'secret'>): string => derive(flow, 'nonce');
export const codeVerifierOf = (flow: Pick<Flow, 'secret'>): string => derive(flow, 'code-verifier');

/** The flow that a `state` names; undefined for what is no state of ours. */
export function flowIdOfState(state: string): string | undefined {
  const [id, proof, more] = state.split('.');
  return id !== undefined && FLOW_ID.test(id) && proof !== undefined && more === undefined ? id : undefined;
}

export const isFlowId = (text: string): boolean => FLOW_ID.test(text);

/** In constant time. */
export function isStateOf(flow: Pick<Flow, 'id' | 'secret'>, state: string): boolean {
  const expected = Buffer.from(stateOf(flow));
  const given = Buffer.from(state);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

export const sealFlow = (flow: Flow, host: string, sealer: Sealer): string =>
  sealJson(
    sealer,
    'flow',
    {
      i: flow.id,
      s: flow.secret,
      t: flow.beganAt,
      ...(flow.idp === undefined ? {} : { p: flow.idp }),
      ...(flow.isForced ? { f: 1 } : {}),
      ...stepUpFields(flow.stepUp),
      ...backFields(flow.back),
    },
    host,
  );

/** The flow in a cookie of `host`, expired or not; undefined for anything else. */
export function openFlow(sealed: string, host: string, sealer: Sealer): Flow | undefined {
  const fields = openJson(sealer, 'flow', sealed, host);
  if (fields === undefined) return undefined;
  const id = textIn(fields, 'i');
  const secret = textIn(fields, 's');
  const beganAt = numberIn(fields, 't');
  const idp = textIn(fields, 'p');
  const back = backIn(fields);
  if (id === undefined || secret === undefined || beganAt === undefined || back === undefined) return undefined;
  return {
    id,
    secret,
    idp: idp === undefined ? undefined : idpName(idp),
    beganAt: epochSeconds(beganAt),
    isForced: numberIn(fields, 'f') === 1,
    stepUp: stepUpIn(fields),
    back,
  };
}

export const backFields = (back: Back): Fields =>
  back.kind === 'here' ? { r: back.path } : { h: back.host, w: back.flowId };

export function backIn(fields: Fields): Back | undefined {
  const path = textIn(fields, 'r');
  if (path !== undefined) return { kind: 'here', path };
  const host = textIn(fields, 'h');
  const flowId = textIn(fields, 'w');
  return host === undefined || flowId === undefined ? undefined : { kind: 'host', host, flowId };
}
