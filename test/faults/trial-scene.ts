/**
 * What a trial of a revocation needs: two processes on one Redis, each behind an Envoy of its own, and many sessions. Nothing of this program lies
 * between them (scene.ts has proxies), since how long a revocation takes is measured too.
 */

import { Agent, request } from 'node:http';

import { createAdminClient, type AskAdmin } from '../../src/adapters/web/admin-client.ts';
import { serverAt } from '../adapters/redis/a-redis.ts';
import { startRedis, type RunningRedis } from '../support/redis.ts';
import { startSecondProcess, type SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openWorld, type World, type WorldSettings } from '../support/world.ts';
import { mintVisitors, type Visitor } from './visitors.ts';

/** One of the two: its Envoy and its admin socket. */
export type Side = {
  readonly ask: AskAdmin;
  /** The status of a request with this cookie; 0 where none came. */
  status(cookie: string, path: string): Promise<number>;
};

export type TrialScene = {
  readonly redis: RunningRedis;
  readonly world: World;
  readonly second: SecondProcess;
  readonly sides: readonly [Side, Side];
  /** As many sessions of each user, who are named one after the other. */
  mint(users: readonly string[], each?: number): Promise<readonly Visitor[]>;
  close(): Promise<void>;
};

/** A paused process answers when it goes on; nothing here is paused for so long. */
const ANSWER_MS = 15_000;
const PROFILE = 'hardened';

/** Plain http on kept connections: what is tried is the answer, not the handshake. */
export async function openTrialScene(settings: Pick<WorldSettings, 'accessTokenSeconds'> = {}): Promise<TrialScene> {
  const folder = temporaryFolder();
  const redis = await startRedis({ folder, durable: true });
  const world = await openWorld({
    ...settings,
    profile: PROFILE,
    scheme: 'http',
    routes: (origins) => [{ from: origins('app'), prefix: '/', allow_any_authenticated_user: true }],
    config: () => ({ session_store: 'redis', redis: { url: `redis://${redis.host}:${redis.port}/0` } }),
  });
  const second = await startSecondProcess(world, PROFILE);
  const minting = {
    redis: serverAt(redis.port),
    cookieSecret: String(world.config['cookie_secret']),
    sharedSecret: String(world.config['shared_secret']),
    issuer: world.issuer,
    host: new URL(world.origins('app')).hostname,
    cookieName: 'doorward',
  };
  const agent = new Agent({ keepAlive: true });
  const sideOf = (origin: string, auditFile: string): Side => ({
    ask: createAdminClient(auditFile.replace(/audit\.jsonl$/, 'admin.sock')),
    status: (cookie, path) => statusOf(agent, new URL(path, origin), cookie),
  });
  return {
    redis,
    world,
    second,
    sides: [
      sideOf(world.origins('app'), world.doorward.auditFile),
      sideOf(second.origins('app'), second.doorward.auditFile),
    ],
    mint: (users, each = 1) =>
      mintVisitors(minting, { count: users.length * each, subject: (index) => users[Math.floor(index / each)] ?? '' }),
    close: async () => {
      agent.destroy();
      await second.close();
      await world.close();
      await redis.stop();
      folder.remove();
    },
  };
}

/** `localhost` and the names below it are loopback; the agent keeps connections by address and port. */
const statusOf = (agent: Agent, url: URL, cookie: string): Promise<number> =>
  new Promise((resolve) => {
    const call = request(
      {
        agent,
        host: '127.0.0.1',
        port: url.port,
        path: url.pathname,
        headers: { host: url.host, accept: 'application/json', cookie },
        timeout: ANSWER_MS,
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', () => resolve(0));
      },
    );
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(0));
    call.end();
  });
