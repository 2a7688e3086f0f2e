/**
 * Receives security events that a transmitter pushes (RFC 8935): ends the sessions that they are about, or keeps what they say of a user, before it answers. SECURITY: until the
 * signature is verified nothing is written, and no key is fetched but of a transmitter of the configuration.
 */

import type { TransmitterConfig } from '../../core/config.ts';
import { DependencyError } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import { assertConfirmed } from '../../core/session/revocation.ts';
import { isSameSecret } from '../../core/signals/same-secret.ts';
import {
  fault,
  readSecurityEvent,
  type EventFault,
  type EventSubject,
  type SecurityEvent,
} from '../../core/signals/security-event.ts';
import { claimedIssuer } from '../../core/signals/signed-message.ts';
import { jsonAnswer } from '../answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { messageBody } from '../logout/message-body.ts';

/** Of one e-mail address, that are looked at in one round; there are more rounds until none is left. */
const SESSIONS_AT_ONCE = 1_000;
const ROUNDS_MAX = 10;

/** @throws DependencyError where it cannot be known, or is not confirmed: the transmitter tries again */
export async function events(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  const received = await receive(context, ports);
  if (!received.ok) return refused(received.error);
  const { event, transmitter } = received.value;
  const id = `security-event ${JSON.stringify([transmitter.issuer, event.jti])}`;
  // RFC 8935 §2.3: one that comes again was delivered.
  if (await ports.once.wasUsed(id)) return accepted(transmitter, 'it was received before');

  const done = await carryOut(event.asks, ports);
  // Only what was carried out is used up: one that was not may be sent again.
  await ports.once.use(id, Math.max(1, event.rememberUntil - context.now));
  return accepted(transmitter, done);
}

/** What was done, in words. @throws DependencyError */
async function carryOut(asks: SecurityEvent['asks'], ports: EndpointPorts): Promise<string> {
  switch (asks.kind) {
    case 'end':
      return end(asks.of, asks.event, ports);
    case 'note':
      assertConfirmed(await ports.facts.put(asks.of, asks.fact));
      return `${asks.event} of a user: ${asks.fact.level} risk`;
    case 'nothing':
      return asks.why;
  }
}

type Received = { readonly event: SecurityEvent; readonly transmitter: TransmitterConfig };

async function receive(
  { request, generation, now }: EndpointContext,
  { messages }: EndpointPorts,
): Promise<Result<Received, EventFault>> {
  const body = messageBody(request, 'application/secevent+jwt');
  if (!body.ok) return fault('invalid_request', body.error);
  const claimed = claimedIssuer(body.value);
  if (!claimed.ok) return fault('invalid_request', claimed.error);
  const transmitter = generation.config.shared_signals?.find(({ issuer }) => issuer === claimed.value);
  if (transmitter === undefined) return fault('invalid_issuer', 'no transmitter has this issuer');
  const { authorization, issuer, jwks_uri: jwksUri, algorithms, audience } = transmitter;
  const { critical_subject_members: criticalMembers = [] } = transmitter;
  const [said = ''] = request.headers.lines('authorization');
  if (authorization !== undefined && !isSameSecret(said, authorization))
    return fault('authentication_failed', 'the Authorization header is not the one that was agreed');
  const message = await messages.verify(body.value, { issuer, jwksUri, algorithms });
  if (!message.ok) return fault('invalid_key', message.error);
  const event = readSecurityEvent(message.value, { issuer, audience, criticalMembers, now });
  return event.ok ? ok({ event: event.value, transmitter }) : event;
}

/** What was done, in words. @throws DependencyError */
async function end(of: EventSubject, event: string, ports: EndpointPorts): Promise<string> {
  const sessions = of.kind === 'user' ? await revoke([of], ports) : await endOfEmail(of.email, ports);
  return `${event} of a user: ${sessions ?? 'an unknown number of'} sessions`;
}

/** How many sessions ended; undefined where that is not known. @throws DependencyError */
async function revoke(
  users: readonly { readonly issuer: string; readonly subject: string }[],
  ports: EndpointPorts,
): Promise<number | undefined> {
  let sessions: number | undefined = 0;
  for (const { issuer, subject } of users) {
    const ended = await ports.sessions.revoke({ kind: 'user', issuer, subject }, 'idp-logout');
    assertConfirmed(ended);
    sessions = sessions === undefined || ended.sessions === undefined ? undefined : sessions + ended.sessions;
  }
  return sessions;
}

/** Everybody who has sessions under that address, verified by the provider or not. @throws DependencyError */
async function endOfEmail(email: string, ports: EndpointPorts): Promise<number | undefined> {
  let sessions: number | undefined = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const listed = await ports.sessions.list({ user: email, limit: SESSIONS_AT_ONCE });
    const found = listed.filter((session) => session.email === email);
    if (found.length === 0) return sessions;
    const users = new Map(found.map((session) => [JSON.stringify([session.issuer, session.subject]), session]));
    const ended = await revoke([...users.values()], ports);
    sessions = sessions === undefined || ended === undefined ? undefined : sessions + ended;
  }
  throw new DependencyError('store-unavailable', 'sessions of an e-mail address begin faster than they are ended');
}

/** §2.2: 202, without a body. */
function accepted({ name }: TransmitterConfig, done: string): EndpointAnswer {
  const answer = jsonAnswer('', { detail: `security event of ${name}: ${done}` });
  return { ...answer, response: { ...answer.response, status: 202 } };
}

const refused = (error: EventFault): EndpointAnswer =>
  jsonAnswer(JSON.stringify(error), { code: 'bad-request', detail: error.description });
