/**
 * Trials of the revocation of whole users whose session is being refreshed at that moment. The session may not be let through once the revocation
 * has returned, nor when the refresh comes to its end after that.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep } from '../support/wait.ts';
import { openTrialScene, type TrialScene } from './trial-scene.ts';
import { Statuses, tell } from './trial.ts';
import { sessionOfFirstLogin, userTrials, type UserTrials } from './trial-users.ts';

const ALLOWED = 200;
const LOGIN_REQUIRED = 401;
/** With the one that is not revoked, below what one process asks of a provider at once: all refreshes of a batch are under way together. */
const BATCH = 8;
const BATCHES = 25;
const ACCESS_TOKEN_SECONDS = 2;
/** How long the provider takes for a refresh, from when it is asked. */
const TOKENS_MS = 400;
/** The revocation begins so long after that at most: before the tokens come, while they do, or after. */
const REVOKED_WITHIN_MS = 500;

let scene: TrialScene;
let users: UserTrials;

beforeAll(async () => {
  scene = await openTrialScene({ accessTokenSeconds: ACCESS_TOKEN_SECONDS });
  users = userTrials(scene);
});
afterAll(() => scene.close());

async function signIn(name: string): Promise<string> {
  const { client, over } = users.login(name);
  await over;
  const cookie = sessionOfFirstLogin(client);
  if (cookie === undefined) throw new Error(`${name} could not sign in`);
  return cookie;
}

test(`${BATCHES * BATCH} users whose session is being refreshed: it is not allowed after the return, nor when the refresh is over`, async () => {
  const after = new Statuses();
  const controls = new Statuses();
  let refreshes = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    // The last of each batch is not revoked: what this tries does refresh.
    const names = Array.from({ length: BATCH + 1 }, (_, place) => `user-${batch}-${place}`);
    await users.add(names);
    await users.delayTokens(0);
    const cookies = await Promise.all(names.map(signIn));
    await sleep(ACCESS_TOKEN_SECONDS * 1000);
    await users.delayTokens(TOKENS_MS);
    const asked = await users.tokenRequests();
    const meanwhile = cookies.map((cookie) => users.askAtBoth(new Statuses(), cookie, '/meanwhile'));
    await users.untilTokensAreAsked(asked + names.length);
    await Promise.all(
      cookies.map(async (cookie, place) => {
        const name = names[place] ?? '';
        if (place === BATCH) {
          await meanwhile[place];
          return users.askAtBoth(controls, cookie, '/control');
        }
        await sleep((REVOKED_WITHIN_MS * place) / BATCH);
        await users.revoke(name, place);
        await users.askAtBoth(after, cookie, `/after/${name}`);
        await meanwhile[place];
        await sleep(TOKENS_MS);
        return users.askAtBoth(after, cookie, `/after/${name}`);
      }),
    );
    refreshes += (await users.tokenRequests()) - asked;
  }
  const trials = BATCHES * BATCH;
  tell(`${trials} users in ${refreshes} refreshes: allowed after the return ${after.of(ALLOWED)}`);
  users.tell();
  expect(controls.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * BATCHES }));
  expect(after.toString()).toBe(JSON.stringify({ [LOGIN_REQUIRED]: 4 * trials }));
  users.expectNothingAfter();
}, 280_000);
