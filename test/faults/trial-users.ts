/** What trials of the revocation of whole users have in common: who they are at the provider, how they are revoked, and what is asked after that. */

import { expect } from '@jest/globals';

import { waitFor } from '../support/wait.ts';
import type { WebClient } from '../support/web-client.ts';
import type { TrialScene } from './trial-scene.ts';
import { revoke, spreadOf, tell, type Revoked, type Statuses } from './trial.ts';

export type UserTrials = {
  /** Makes them known to the provider. */
  add(names: readonly string[]): Promise<void>;
  /** How often the provider was asked for tokens. */
  tokenRequests(): Promise<number>;
  untilTokensAreAsked(count: number): Promise<true>;
  /** The provider answers requests for tokens so long after it got them. */
  delayTokens(ms: number): Promise<void>;
  /** Begins a login. */
  login(name: string): { readonly client: WebClient; readonly over: Promise<unknown> };
  /** Through one process or the other, by `place`. @throws Error where it is not confirmed */
  revoke(subject: string, place: number): Promise<void>;
  /** At both processes at once. */
  askAtBoth(statuses: Statuses, cookie: string, path: string): Promise<void>;
  /** How long the revocations took since this was told last. */
  tell(): void;
  /** The application got nothing of what was asked after a revocation: of no path that begins with `/after/`. */
  expectNothingAfter(): void;
};

const COOKIE = 'doorward';

export function userTrials({ world, sides }: TrialScene): UserTrials {
  const revocations: Extract<Revoked, { kind: 'confirmed' }>[] = [];
  const tokenRequests = async (): Promise<number> => (await world.provider().requests()).token ?? 0;
  return {
    tokenRequests,
    async add(names) {
      for (const login of names) await world.provider().setUser({ login, name: login, groups: ['staff'] });
    },
    untilTokensAreAsked: (count) =>
      waitFor('the provider to be asked for tokens', async () => ((await tokenRequests()) >= count ? true : undefined)),
    delayTokens: (ms) => world.provider().setFaults({ token: { delayMs: ms } }),
    login(name) {
      const client = world.client();
      return { client, over: world.login(client, `${world.origins('app')}/`, name) };
    },
    async revoke(subject, place) {
      const side = sides[place % sides.length] ?? sides[0];
      const revoked = await revoke(side.ask, '/v1/users/revoke', { issuer: world.issuer, subject });
      if (revoked.kind !== 'confirmed') throw new Error('a revocation was not confirmed, without any fault');
      revocations.push(revoked);
    },
    async askAtBoth(statuses, cookie, path) {
      for (const status of await Promise.all(sides.map((side) => side.status(cookie, path)))) statuses.add(status);
    },
    tell() {
      const told = revocations.splice(0);
      const [returnMs, serviceMs] = [told.map((each) => each.returnMs), told.map((each) => each.serviceMs)];
      tell(`  revoke-user returned: ${spreadOf(returnMs)}; by the service's own count: ${spreadOf(serviceMs)}`);
    },
    expectNothingAfter: () =>
      expect(world.upstream.received().filter(({ path }) => path.startsWith('/after/'))).toHaveLength(0),
  };
}

/** What the answer to the callback set, if it set one: a login that is begun anew after it is another login. */
export function sessionOfFirstLogin(client: WebClient): string | undefined {
  const callback = client.seen.find(({ url }) => url.includes('/.doorward/callback'));
  if (callback === undefined) throw new Error('the login did not come to its callback');
  const set = callback.setCookies.map((line) => line.split(';')[0] ?? '');
  return set.find((pair) => pair.startsWith(`${COOKIE}=`) && pair.length > COOKIE.length + 1);
}
