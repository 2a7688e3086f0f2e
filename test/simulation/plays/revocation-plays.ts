/**
 * Plays that end a session while one process is out of reach: each needs several rare things at exact moments, which no search of random worlds has
 * found in millions of steps. The moments are those of the counterexamples of the protocol's model.
 */

import type { Announced } from '../../../src/core/ports.ts';
import type { Parts } from '../parts.ts';
import { Stage } from './stage.ts';

/** How the last change of a play was announced, and whether a Check that started then was allowed by what was before it. */
export type Ending = { readonly announced: Announced; readonly isAllowed: boolean };

/** Longer than any lease, and than the time after which a history is settled. */
const LONG_MS = 1_500;

/** The renewal that was carried out last is the first moment of the wait: the slowest clock holds the lease, the fastest one waits. */
async function farthestClocks(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(1, changed);
  const revoker = await stage.start({ rate: 1.01 });
  const slow = await stage.start({ rate: 0.99 });
  await stage.pass(LONG_MS);
  const handle = await stage.login(revoker, 'session');
  await stage.keepAtHand(slow, handle);
  await stage.next(slow, 'renew');
  slow.weather.isCutOff = true;
  const announced = await stage.revoke(revoker, handle)();
  return { announced, isAllowed: stage.isAllowed(slow, handle) };
}

/** A process begins while the request to revoke is on its way, and is out of reach before that is carried out. */
async function begunMeanwhile(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(1, changed);
  const revoker = await stage.start();
  await stage.pass(LONG_MS);
  const handle = await stage.login(revoker, 'session');
  stage.delay(revoker, 'request', 'revoke', 50);
  const revocation = stage.revoke(revoker, handle);
  await stage.when(() => stage.count(revoker, 'request', 'revoke') === 1);
  const young = await stage.start();
  await stage.keepAtHand(young, handle);
  young.weather.isCutOff = true;
  if (stage.count(revoker, 'reply', 'revoke') > 0) throw new Error('the play was too slow');
  return { announced: await revocation(), isAllowed: stage.isAllowed(young, handle) };
}

/** The new master has never heard of a process that registered with the old one; the others acknowledge at once. */
async function unknownToTheNewMaster(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(2, changed);
  const revoker = await stage.start();
  await stage.pass(LONG_MS);
  const handle = await stage.login(revoker, 'session');
  await stage.pass(10);
  stage.replicates = false;
  const young = await stage.start();
  await stage.keepAtHand(young, handle);
  young.weather.isCutOff = true;
  stage.node(1).promote('history-1');
  stage.node(0).follow(stage.node(1));
  stage.replicates = true;
  await stage.pass(500);
  const announced = await stage.revoke(revoker, handle)();
  return { announced, isAllowed: stage.isAllowed(young, handle) };
}

/**
 * Two masters for longer than a lease: the revoker writes to the new one, alone, while the old one goes on to renew the lease of a process that the
 * new one does not know.
 */
async function twoMasters(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(2, changed);
  const revoker = await stage.start({ node: 1 });
  const handle = await stage.login(revoker, 'session');
  await stage.pass(10);
  stage.replicates = false;
  const left = await stage.start({ node: 0 });
  await stage.keepAtHand(left, handle);
  stage.node(1).promote('history-1');
  for (const connection of revoker.connections) connection.lose();
  await stage.pass(LONG_MS);
  await stage.keepAtHand(left, handle);
  await stage.next(left, 'renew');
  left.weather.isCutOff = true;
  stage.node(0).follow(stage.node(1));
  stage.replicates = true;
  const announced = await stage.revoke(revoker, handle)();
  return { announced, isAllowed: stage.isAllowed(left, handle) };
}

/** A process that was silent renews its lease while the request to drop it is on its way, and is out of reach again. */
async function backBeforeItIsDropped(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(1, changed);
  const revoker = await stage.start();
  const silent = await stage.start();
  await stage.pass(LONG_MS);
  const other = await stage.login(revoker, 'another session');
  const handle = await stage.login(revoker, 'session');
  await stage.keepAtHand(silent, handle);
  silent.weather.isCutOff = true;
  stage.delay(revoker, 'request', 'drop-members', 400);
  const first = stage.revoke(revoker, other);
  await stage.when(() => stage.count(revoker, 'request', 'drop-members') === 1);
  silent.weather.isCutOff = false;
  await stage.pass(200);
  await stage.keepAtHand(silent, handle);
  silent.weather.isCutOff = true;
  if (stage.count(revoker, 'reply', 'drop-members') > 0) throw new Error('the play was too slow');
  await first();
  const announced = await stage.revoke(revoker, handle)();
  return { announced, isAllowed: stage.isAllowed(silent, handle) };
}

/** All sessions of a user are ended while the provider is asked about one of them, which is written back after that. */
export async function refreshedMeanwhile(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(1, changed);
  const revoker = await stage.start();
  const refreshing = await stage.start();
  await stage.pass(LONG_MS);
  const handle = await stage.login(revoker, 'session');
  const refreshed = stage.refresh(refreshing, handle, 100);
  await stage.when(() => stage.count(refreshing, 'reply', 'claim') === 1);
  const announced = await stage.revokeUser(revoker)();
  await refreshed();
  await stage.keepAtHand(revoker, handle);
  return { announced, isAllowed: stage.isAllowed(revoker, handle) };
}

/** A process stands still while it refreshes a session; another does it meanwhile, with a newer answer, and the first goes on after that. */
async function writtenLate(changed: Partial<Parts>): Promise<Ending> {
  const stage = new Stage(1, changed);
  const late = await stage.start();
  const other = await stage.start();
  await stage.pass(LONG_MS);
  const handle = await stage.login(other, 'session');
  const first = stage.refreshWithShortClaim(late, handle, 100, 1);
  await stage.when(() => stage.count(late, 'reply', 'claim') === 1);
  await stage.pass(10);
  late.machine.pause(1_000);
  await stage.pass(500);
  const second = await stage.refreshWithShortClaim(other, handle, 10, 2)();
  await first();
  await stage.keepAtHand(other, handle);
  const announced: Announced =
    second.kind === 'written' && second.isKnown
      ? { kind: 'confirmed', members: 2, acknowledged: 2, tookMs: 0 }
      : { kind: 'not-confirmed', why: 'unreachable', tookMs: 0 };
  return { announced, isAllowed: stage.answerAtHand(other, handle) < 2 };
}

/** By the mistake that each finds. */
export const plays: Readonly<Record<string, (changed: Partial<Parts>) => Promise<Ending>>> = {
  NO_DRIFT_MARGIN: farthestClocks,
  ENUM_FIRST: begunMeanwhile,
  NO_SETTLED: unknownToTheNewMaster,
  PROBE_NO_WAIT: twoMasters,
  GC_BLIND: backBeforeItIsDropped,
  REFRESH_NEW_G0: refreshedMeanwhile,
  REFRESH_SET: writtenLate,
  'DELETE_ONLY and REFRESH_SET': refreshedMeanwhile,
};
