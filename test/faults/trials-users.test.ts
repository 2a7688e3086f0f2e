/**
 * Trials of the revocation of whole users: who have more than one session, or who are signing in at that moment.
 * No old session, and none of a login that had begun before, may be let through once the revocation has returned.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep, waitFor } from '../support/wait.ts';
import type { WebClient } from '../support/web-client.ts';
import { openTrialScene, type TrialScene } from './trial-scene.ts';
import { inLanes, revoke, spreadOf, Statuses, tell, type Revoked } from './trial.ts';
import type { Visitor } from './visitors.ts';

const ALLOWED = 200;
const LOGIN_REQUIRED = 401;
const COOKIE = 'doorward';

/** Trials of users with two sessions, so many at a time. */
const USERS = { trials: 2_000, lanes: 8 };
/** Logins are real ones, at the real provider; those of a batch are under way at once. */
const BATCH = 16;
const LOGIN_BATCHES = 20;
/** How long the provider takes for tokens, from when it is asked. */
const TOKENS_MS = 250;
/** The revocation begins so long after that at most: before the tokens come, while they do, or after. */
const REVOKED_WITHIN_MS = 500;

let scene: TrialScene;
const revocations: Extract<Revoked, { kind: 'confirmed' }>[] = [];

beforeAll(async () => {
  scene = await openTrialScene();
});
afterAll(() => scene.close());

async function revokeUser(subject: string, place: number): Promise<void> {
  const side = scene.sides[place % scene.sides.length] ?? scene.sides[0];
  const revoked = await revoke(side.ask, '/v1/users/revoke', { issuer: scene.world.issuer, subject });
  if (revoked.kind !== 'confirmed') throw new Error('a revocation was not confirmed, without any fault');
  revocations.push(revoked);
}

/** At both sides at once. */
async function askAtBoth(statuses: Statuses, cookie: string, path: string): Promise<void> {
  for (const status of await Promise.all(scene.sides.map((side) => side.status(cookie, path)))) statuses.add(status);
}

const expectNothingAfter = (): void =>
  expect(scene.world.upstream.received().filter(({ path }) => path.startsWith('/after/'))).toHaveLength(0);

/** Of those since the last time. */
function tellRevocations(): void {
  const told = revocations.splice(0);
  const [returnMs, serviceMs] = [told.map((each) => each.returnMs), told.map((each) => each.serviceMs)];
  tell(`  revoke-user returned: ${spreadOf(returnMs)}; by the service's own count: ${spreadOf(serviceMs)}`);
}

test(`${USERS.trials} users with two sessions, one at hand and one being read: neither is allowed after the return`, async () => {
  const users = Array.from({ length: USERS.trials }, (_, place) => `user-${place}`);
  const sessions = await scene.mint(users, 2);
  const before = new Statuses();
  const after = new Statuses();
  await inLanes(USERS.trials, USERS.lanes, async (place) => {
    const subject = users[place] ?? '';
    const [atHand, other] = sessions.slice(2 * place, 2 * place + 2) as [Visitor, Visitor];
    await askAtBoth(before, atHand.cookie, '/before');
    const reading = askAtBoth(new Statuses(), other.cookie, '/meanwhile');
    await revokeUser(subject, place);
    await Promise.all([atHand, other].map(({ cookie }) => askAtBoth(after, cookie, `/after/${subject}`)));
    await reading;
  });
  tell(`${USERS.trials} users with two sessions: allowed after the return ${after.of(ALLOWED)}`);
  tellRevocations();
  expect(before.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * USERS.trials }));
  expect(after.toString()).toBe(JSON.stringify({ [LOGIN_REQUIRED]: 4 * USERS.trials }));
  expectNothingAfter();
}, 280_000);

const page = (): string => `${scene.world.origins('app')}/`;

async function addUsers(names: readonly string[]): Promise<void> {
  for (const login of names) await scene.world.provider().setUser({ login, name: login, groups: ['staff'] });
}

const tokenRequests = async (): Promise<number> => (await scene.world.provider().requests()).token ?? 0;

const untilTokensAreAsked = (count: number): Promise<true> =>
  waitFor('the provider to be asked for tokens', async () => ((await tokenRequests()) >= count ? true : undefined));

/** What the answer to the callback set, if it set one: a login that is begun anew after it is another login. */
function sessionOfFirstLogin(client: WebClient): string | undefined {
  const callback = client.seen.find(({ url }) => url.includes('/.doorward/callback'));
  if (callback === undefined) throw new Error('the login did not come to its callback');
  const set = callback.setCookies.map((line) => line.split(';')[0] ?? '');
  return set.find((pair) => pair.startsWith(`${COOKIE}=`) && pair.length > COOKIE.length + 1);
}

test(`${LOGIN_BATCHES * BATCH} users who are signing in: what a login gave that began before is not allowed after the return`, async () => {
  const after = new Statuses();
  const controls = new Statuses();
  let refused = 0;
  for (let batch = 0; batch < LOGIN_BATCHES; batch++) {
    // The last of each batch is not revoked: what this tries does sign in.
    const users = Array.from({ length: BATCH + 1 }, (_, place) => `login-${batch}-${place}`);
    await addUsers(users);
    await scene.world.provider().setFaults({ token: { delayMs: TOKENS_MS } });
    const asked = await tokenRequests();
    const logins = users.map((user) => {
      const client = scene.world.client();
      return { user, client, over: scene.world.login(client, page(), user).catch(() => undefined) };
    });
    await untilTokensAreAsked(asked + users.length);
    await Promise.all(
      logins.map(async ({ user, client, over }, place) => {
        const isControl = place === BATCH;
        if (!isControl) {
          await sleep((REVOKED_WITHIN_MS * place) / BATCH);
          await revokeUser(user, place);
        }
        await over;
        const cookie = sessionOfFirstLogin(client);
        if (cookie === undefined) refused += 1;
        else if (isControl) await askAtBoth(controls, cookie, '/control');
        else await askAtBoth(after, cookie, `/after/${user}`);
      }),
    );
  }
  const trials = LOGIN_BATCHES * BATCH;
  tell(`${trials} users who are signing in: ${refused} logins refused, allowed after the return ${after.of(ALLOWED)}`);
  tellRevocations();
  expect(controls.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * LOGIN_BATCHES }));
  expect(after.of(LOGIN_REQUIRED)).toBe(after.total);
  expect(after.total + 2 * refused).toBe(2 * trials);
  expect(refused).toBeGreaterThan(0);
  expect(after.total).toBeGreaterThan(0);
  expectNothingAfter();
}, 280_000);
