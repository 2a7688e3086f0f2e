/** Secrets and signing keys rotated at both processes under load, and a process of another version beside one of this. */

import { expect } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { Redis } from 'ioredis';

import { RECORD_FORMAT } from '../../../src/adapters/redis/record.ts';
import { sessionKey } from '../../../src/adapters/redis/keys.ts';
import { sessionHandle } from '../../../src/core/units.ts';
import { newSecret } from '../../support/doorward.ts';
import type { ConfigFile } from '../../support/doorward.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import type { Place, Scene } from '../scene.ts';
import { tallyOf } from '../tally.ts';
import type { Visitor } from '../visitors.ts';
import { expectInService, expectSafe, play, revokeAll } from './play.ts';
import type { Play } from './play.ts';

const PLACES: readonly Place[] = ['first', 'second'];

async function reload(scene: Scene, change: ConfigFile): Promise<void> {
  for (const place of PLACES) {
    const doorward = scene.doorward(place);
    const loads = (): number => doorward.output().split('a new configuration is in force').length;
    const before = loads();
    doorward.writeConfig({ ...scene.config(place), ...change });
    await waitFor('the reload', () => (loads() > before ? true : undefined), 20_000);
  }
}

const newSigningKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

/** R21. The newer is told to both before anything is sealed or signed with it; what is dropped opens nothing. */
export async function keysRotated(options: Play): Promise<void> {
  const { scene } = options;
  const older = String(scene.config('first')['cookie_secret']);
  const newer = newSecret();
  const [olderKey, newerKey] = [newSigningKey(), newSigningKey()];
  const steps: readonly ConfigFile[] = [
    { cookie_secret: [older], signing_key: [olderKey] },
    { cookie_secret: [older, newer], signing_key: [olderKey, newerKey] },
    { cookie_secret: [newer, older], signing_key: [newerKey, olderKey] },
  ];
  let asked: readonly Visitor[] = [];
  const { shots } = await play(
    'rotation of the cookie and signing keys at both processes',
    options,
    async (visitors) => {
      asked = visitors;
      await revokeAll(scene, visitors.slice(0, 2));
      for (const step of steps) {
        await reload(scene, step);
        await sleep(options.faultMs / steps.length);
      }
      return { reloads: steps.length * PLACES.length };
    },
  );
  expectInService(shots);

  await reload(scene, { cookie_secret: [newer], signing_key: [newerKey] });
  const visitor = asked.at(-1);
  if (visitor === undefined) throw new Error('there are visitors');
  for (const place of PLACES) expect((await scene.ask(visitor, place)).status).toBe(401);
  await reload(scene, {});
  for (const place of PLACES) expect((await scene.ask(visitor, place)).status).toBe(200);
}

/** R22. Half of the sessions are of a newer version; then it is gone, and they are as before. Each is used, or refused as an outage, by both. */
export async function twoFormats(options: Play): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  const raw = new Redis(scene.redis.port, scene.redis.host);
  const write = (visitors: readonly Visitor[], format: number): Promise<unknown> =>
    Promise.all(visitors.map(({ handle }) => raw.setrange(sessionKey(sessionHandle(handle)), 0, Buffer.of(format))));
  const moments = { from: 0, to: 0 };
  // Neither process has them at hand.
  const others = await scene.mint({ count: options.visitors });
  try {
    await write(others, RECORD_FORMAT + 1);
    const act = async (visitors: readonly Visitor[]) => {
      await revokeAll(scene, visitors.slice(0, 2));
      moments.from = performance.now();
      await sleep(faultMs);
      moments.to = performance.now();
      await write(others, RECORD_FORMAT);
      await sleep(afterMs);
      return { 'sessions of the other version': others.length };
    };
    const { shots } = await play('two versions of the stored form on one Redis', options, act, { visitors: others });
    const theirs = shots.filter(({ asker }) => others.some((other) => other === asker));
    const during = theirs.filter(({ sentAt, answeredAt }) => sentAt > moments.from && answeredAt < moments.to);
    expect(during.length).toBeGreaterThan(0);
    expect(tallyOf(during)).toMatchObject({ allowed: 0, unavailable: during.length });
    const after = theirs.filter(({ sentAt }) => sentAt > moments.to + afterMs / 2);
    expectInService(after);
    expect(tallyOf(after)).toMatchObject({ refused: 0 });
    const rest = shots.filter(({ asker }) => !others.some((other) => other === asker));
    expectSafe(rest);
  } finally {
    raw.disconnect();
  }
}
