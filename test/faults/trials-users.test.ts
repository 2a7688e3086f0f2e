/**
 * Trials of the revocation of whole users: who have more than one session, or who are signing in at that moment. No old session, and none of a
 * login that had begun before, may be let through once the revocation has returned.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep } from '../support/wait.ts';
import { openTrialScene, type TrialScene } from './trial-scene.ts';
import { inLanes, Statuses, tell } from './trial.ts';
import { sessionOfFirstLogin, userTrials, type UserTrials } from './trial-users.ts';
import type { Visitor } from './visitors.ts';

const ALLOWED = 200;
const LOGIN_REQUIRED = 401;

/** Users with two sessions, so many at a time. */
const USERS = { trials: 3_000, lanes: 8 };
/** Logins are real ones, at the real provider; those of a batch are under way at once. */
const BATCH = 16;
const BATCHES = 25;
/** How long the provider takes for tokens, from when it is asked. */
const TOKENS_MS = 250;
/** The revocation begins so long after that at most: before the tokens come, while they do, or after. */
const REVOKED_WITHIN_MS = 500;

let scene: TrialScene;
let users: UserTrials;

beforeAll(async () => {
  scene = await openTrialScene();
  users = userTrials(scene);
});
afterAll(() => scene.close());

test(`${USERS.trials} users with two sessions, one at hand and one being read: neither is allowed after the return`, async () => {
  const names = Array.from({ length: USERS.trials }, (_, place) => `user-${place}`);
  const sessions = await scene.mint(names, 2);
  const before = new Statuses();
  const after = new Statuses();
  await inLanes(USERS.trials, USERS.lanes, async (place) => {
    const name = names[place] ?? '';
    const [atHand, other] = sessions.slice(2 * place, 2 * place + 2) as [Visitor, Visitor];
    await users.askAtBoth(before, atHand.cookie, '/before');
    const reading = users.askAtBoth(new Statuses(), other.cookie, '/meanwhile');
    await users.revoke(name, place);
    await Promise.all([atHand, other].map(({ cookie }) => users.askAtBoth(after, cookie, `/after/${name}`)));
    await reading;
  });
  tell(`${USERS.trials} users with two sessions: allowed after the return ${after.of(ALLOWED)}`);
  users.tell();
  expect(before.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * USERS.trials }));
  expect(after.toString()).toBe(JSON.stringify({ [LOGIN_REQUIRED]: 4 * USERS.trials }));
  users.expectNothingAfter();
}, 280_000);

test(`${BATCHES * BATCH} users who are signing in: what a login gave that began before is not allowed after the return`, async () => {
  const after = new Statuses();
  const controls = new Statuses();
  let refused = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    // The last of each batch is not revoked: what this tries does sign in.
    const names = Array.from({ length: BATCH + 1 }, (_, place) => `login-${batch}-${place}`);
    await users.add(names);
    await users.delayTokens(TOKENS_MS);
    const asked = await users.tokenRequests();
    const logins = names.map((name) => users.login(name));
    await users.untilTokensAreAsked(asked + names.length);
    await Promise.all(
      logins.map(async ({ client, over }, place) => {
        const name = names[place] ?? '';
        const isControl = place === BATCH;
        if (!isControl) {
          await sleep((REVOKED_WITHIN_MS * place) / BATCH);
          await users.revoke(name, place);
        }
        await over;
        const cookie = sessionOfFirstLogin(client);
        if (cookie === undefined) refused += 1;
        else if (isControl) await users.askAtBoth(controls, cookie, '/control');
        else await users.askAtBoth(after, cookie, `/after/${name}`);
      }),
    );
  }
  const trials = BATCHES * BATCH;
  tell(`${trials} users who are signing in: ${refused} logins refused, allowed after the return ${after.of(ALLOWED)}`);
  users.tell();
  expect(controls.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * BATCHES }));
  expect(after.of(LOGIN_REQUIRED)).toBe(after.total);
  expect(after.total + 2 * refused).toBe(2 * trials);
  expect(refused).toBeGreaterThan(0);
  expect(after.total).toBeGreaterThan(0);
  users.expectNothingAfter();
}, 280_000);
