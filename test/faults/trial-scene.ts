/**
 * What a trial of a revocation needs: two processes on one Redis, each behind an Envoy of its own, and many sessions, written by the store's own
 * code with cookies as Doorward seals them, since a thousand logins would take longer than what is to be tried.
 */

import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

import { createRedisStores } from '../../src/adapters/redis/stores.ts';
import { createSealer } from '../../src/adapters/system/sealer.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { systemTimers } from '../../src/adapters/system/timers.ts';
import { createAdminClient, type AskAdmin } from '../../src/adapters/web/admin-client.ts';
import { handleOf, sealSessionCookie, sessionCookieName } from '../../src/core/session/cookie.ts';
import { epochSeconds, idpName, type SessionHandle } from '../../src/core/units.ts';
import { aLogger, serverAt, untilUp } from '../adapters/redis/a-redis.ts';
import { aSession } from '../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../support/redis.ts';
import { startSecondProcess, type SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openWorld, type World, type WorldSettings } from '../support/world.ts';

export type TrialSession = { readonly handle: SessionHandle; readonly subject: string; readonly cookie: string };

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
  mint(users: readonly string[], each?: number): Promise<readonly TrialSession[]>;
  close(): Promise<void>;
};

const SESSION_SECONDS = 3600;
/** Sessions that are written at once. */
const WRITES_AT_ONCE = 50;
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
    mint: (users, each = 1) => mint(world, redis, users, each),
    close: async () => {
      agent.destroy();
      await second.close();
      await world.close();
      await redis.stop();
      folder.remove();
    },
  };
}

async function mint(
  { config, issuer, origins }: World,
  redis: RunningRedis,
  users: readonly string[],
  each: number,
): Promise<readonly TrialSession[]> {
  const sealer = createSealer([String(config['cookie_secret'])]);
  const { hostname: host } = new URL(origins('app'));
  const { sessions } = createRedisStores({
    redis: serverAt(redis.port),
    secrets: () => [String(config['shared_secret'])],
    clock: systemClock,
    timers: systemTimers,
    entropy: systemEntropy,
    logger: aLogger(),
  });
  const write = async (subject: string): Promise<TrialSession> => {
    const id = randomBytes(32).toString('base64url');
    const issuedAt = systemClock.now();
    const expiresAt = epochSeconds(issuedAt + SESSION_SECONDS);
    const session = aSession({
      handle: handleOf(id),
      idp: idpName('default'),
      issuer,
      subject,
      email: `${subject}@example.com`,
      createdAt: issuedAt,
      authTime: issuedAt,
      lastSeenAt: issuedAt,
      tokensAt: issuedAt,
      confirmedAt: issuedAt,
      idpSessionId: undefined,
      expiresAt,
      tokens: { idToken: undefined, accessToken: undefined, refreshToken: undefined, accessTokenExpiresAt: undefined },
      mark: await sessions.loginMark(),
    });
    if (!(await sessions.create(session))) throw new Error('a session of the trials was not taken');
    const value = sealSessionCookie({ id, issuedAt, expiresAt }, host, sealer);
    return { handle: session.handle, subject, cookie: `${sessionCookieName('doorward', 'http')}=${value}` };
  };
  try {
    await untilUp(sessions);
    const subjects = users.flatMap((user) => Array.from({ length: each }, () => user));
    const minted: TrialSession[] = [];
    for (let place = 0; place < subjects.length; place += WRITES_AT_ONCE) {
      minted.push(...(await Promise.all(subjects.slice(place, place + WRITES_AT_ONCE).map(write))));
    }
    return minted;
  } finally {
    await sessions.close();
  }
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
