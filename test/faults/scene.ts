/**
 * Two Doorwards on one Redis behind one real Envoy (and, where wanted, an Envoy for each), with a provider, an application, and visitors who
 * ask at a fixed rate. Each Doorward reaches Redis through a proxy of its own that can misbehave.
 */

import type { RedisServer } from '../../src/adapters/redis/connection.ts';
import { createAdminClient } from '../../src/adapters/web/admin-client.ts';
import { newSecret, startDoorward } from '../support/doorward.ts';
import type { ConfigFile, RunningDoorward } from '../support/doorward.ts';
import { startEnvoy } from '../support/envoy.ts';
import type { RunningEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { ProxyBehaviour, TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';
import { openWorld } from '../support/world.ts';
import type { UserName, World } from '../support/world.ts';
import { shoot, startLoad } from './load.ts';
import type { Asker, Load, Shot } from './load.ts';
import { mintVisitors } from './visitors.ts';
import type { MintWish, Visitor } from './visitors.ts';

export type Place = 'first' | 'second';

export type SceneSettings = {
  /** How Doorward finds Redis, and where a node is to which sessions can be written. Without it: a Redis of the scene's own that keeps its data, behind the proxies. */
  readonly redis?: { readonly config: ConfigFile; readonly port: number };
  /** More of doorward.yaml. */
  readonly config?: ConfigFile;
  /** An Envoy for each Doorward beside the one that has both. It does not give up a connection on which nothing is answered. */
  readonly direct?: boolean;
  /** Environment of the second process. */
  readonly secondEnv?: Readonly<Record<string, string>>;
};

/** What a revocation was answered. `returnedAt`: `performance.now()` right after. */
export type Revoked = {
  readonly status: number;
  readonly body: unknown;
  readonly tookMs: number;
  readonly returnedAt: number;
};

export type Scene = {
  readonly world: World;
  /** The scene's own Redis. @throws Error where there is another */
  readonly redis: RunningRedis;
  /** Between a Doorward and the scene's own Redis. @throws Error where there is another */
  proxy(place: Place): TcpProxy;
  /** Both proxies. */
  behave(behaviour: ProxyBehaviour): void;
  doorward(place: Place): RunningDoorward;
  /** The doorward.yaml with which it started. */
  config(place: Place): ConfigFile;
  untilBothAreAsked(): Promise<true>;
  /** SIGKILL; resolves when it is gone. */
  kill(place: Place): Promise<void>;
  /** A new process at the same address, with the same files, after `kill`. */
  restart(place: Place): Promise<void>;
  /** Of the Envoy that has both, or (with `direct`) one of them alone. */
  port(which?: Place): number;
  mint(wish: MintWish): Promise<Visitor[]>;
  /** A real sign-in. */
  signIn(user: UserName): Promise<Visitor>;
  /** Ends it by the admin listener of a Doorward, and notes for the oracle when that began, and that it is over where it was confirmed. */
  revoke(visitor: Visitor, at?: Place): Promise<Revoked>;
  revokeUser(subject: string, visitors: readonly Visitor[], at?: Place): Promise<Revoked>;
  /** One request at a Doorward alone. */
  ask(visitor: Asker, at: Place): Promise<Shot>;
  /** Default: the Envoy that has both, and one public request and one stranger on ten visitors. */
  load(options: LoadOptions): Load;
  close(): Promise<void>;
};

export type LoadOptions = {
  readonly ratePerSecond: number;
  readonly visitors: () => readonly Visitor[];
  readonly ports?: readonly number[];
};

const PLACES = { first: 0, second: 1 } as const;

const serverAt = (port: number): RedisServer => ({
  where: { kind: 'server', host: '127.0.0.1', port },
  ...{ database: 0, username: undefined, password: undefined, tls: undefined },
  ...{ command_timeout_ms: 2000, connect_timeout_ms: 2000, allow_eviction: false },
});

export async function openScene(settings: SceneSettings = {}): Promise<Scene> {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const folder = temporaryFolder();
  closers.push(() => folder.remove());
  try {
    const own = settings.redis === undefined ? await ownRedis(closers) : undefined;
    const [cookieSecret, sharedSecret] = [newSecret(), newSecret()];
    const common = {
      ...{ cookie_secret: cookieSecret, shared_secret: sharedSecret, session_store: 'redis', workers: 1 },
      ...settings.config,
    };
    const redisFor = (place: Place): ConfigFile =>
      settings.redis?.config ?? { url: `redis://127.0.0.1:${own?.proxies[place].port ?? 0}/0` };
    const secondAddress = `127.0.0.1:${await freePort()}`;
    const world = await openWorld({
      profile: 'hardened',
      scheme: 'http',
      address: 'loopback',
      routes: (origins) => [
        { from: origins('app'), id: 'public', prefix: '/public/', allow_public_unauthenticated_access: true },
        { from: origins('app'), id: 'app', prefix: '/', allow_any_authenticated_user: true },
      ],
      envoy: { moreDoorwards: [secondAddress] },
      config: () => ({ ...common, redis: redisFor('first') }),
    });
    closers.push(() => world.close());

    const startSecond = (): Promise<RunningDoorward> =>
      startDoorward({
        ...{ folder, address: secondAddress, config: { ...world.config, redis: redisFor('second') } },
        ...(settings.secondEnv === undefined ? {} : { env: settings.secondEnv }),
      });
    const startFirst = (): Promise<RunningDoorward> =>
      startDoorward({ folder: world.folder, address: world.doorward.address, config: world.config });
    const doorwards: Record<Place, RunningDoorward> = { first: world.doorward, second: await startSecond() };
    closers.push(() => Promise.all([doorwards.first.stop(), doorwards.second.stop()]));
    const direct = settings.direct === true ? await directEnvoys(world, doorwards, closers) : undefined;
    await untilBothAreAsked(world.envoy);

    const host = new URL(world.origins('app')).hostname;
    const minting = {
      redis: serverAt(settings.redis?.port ?? own?.redis.port ?? 0),
      ...{ cookieSecret, sharedSecret, issuer: world.issuer, host, cookieName: 'doorward' },
    };
    const post = async (at: Place, path: string, body: Readonly<Record<string, string>>): Promise<Revoked> => {
      const ask = createAdminClient(doorwards[at].configFile.replace('doorward.yaml', 'admin.sock'));
      const begunAt = performance.now();
      const reply = await ask('POST', path, body);
      const returnedAt = performance.now();
      return { ...reply, tookMs: returnedAt - begunAt, returnedAt };
    };
    const end = async (visitors: readonly Visitor[], ask: () => Promise<Revoked>): Promise<Revoked> => {
      for (const visitor of visitors) visitor.revokeBegunAt ??= performance.now();
      const revoked = await ask();
      if (revoked.status === 200) for (const visitor of visitors) visitor.revokedAt ??= revoked.returnedAt;
      return revoked;
    };
    const need = <T>(value: T | undefined): T => {
      if (value === undefined) throw new Error('this scene has none');
      return value;
    };

    return {
      world,
      get redis() {
        return need(own).redis;
      },
      proxy: (place) => need(own).proxies[place],
      behave: (behaviour) => {
        for (const proxy of Object.values(need(own).proxies)) proxy.behave(behaviour);
      },
      doorward: (place) => doorwards[place],
      config: (place) => ({ ...world.config, redis: redisFor(place) }),
      untilBothAreAsked: () => untilBothAreAsked(world.envoy),
      kill: async (place) => {
        doorwards[place].signal('SIGKILL');
        await waitFor('the process to be gone', () => doorwards[place].exitCode());
      },
      restart: async (place) => {
        doorwards[place] = await (place === 'first' ? startFirst() : startSecond());
      },
      port: (which) => (which === undefined ? world.envoy.port : need(direct?.[PLACES[which]]).port),
      mint: (wish) => mintVisitors(minting, wish),
      signIn: (user) => signIn(world, doorwards.first, user),
      revoke: (visitor, at = 'first') =>
        end([visitor], () => post(at, `/v1/sessions/${visitor.handle}/revoke`, { reason: 'a test' })),
      revokeUser: (subject, visitors, at = 'first') =>
        end(visitors, () => post(at, '/v1/users/revoke', { issuer: world.issuer, subject, reason: 'a test' })),
      ask: (asker, at) =>
        shoot({ agent: false, asker, port: need(direct?.[PLACES[at]]).port, authority: world.authority('app') }),
      load: ({ ratePerSecond, visitors, ports }) =>
        startLoad({
          ratePerSecond,
          askers: () => withOthers(visitors()),
          ports: ports ?? [world.envoy.port],
          authority: world.authority('app'),
        }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ownRedis(closers: (() => unknown)[]) {
  const folder = temporaryFolder();
  closers.push(() => folder.remove());
  const redis = await startRedis({ folder, durable: true });
  closers.push(() => redis.stop());
  const proxies = { first: await startTcpProxy(redis.port), second: await startTcpProxy(redis.port) };
  closers.push(() => Promise.all(Object.values(proxies).map((proxy) => proxy.close())));
  return { redis, proxies };
}

async function directEnvoys(
  world: World,
  doorwards: Readonly<Record<Place, RunningDoorward>>,
  closers: (() => unknown)[],
): Promise<readonly RunningEnvoy[]> {
  const hosts = [new URL(world.origins('app')).hostname];
  const start = async (place: Place): Promise<RunningEnvoy> => {
    const port = await freePort();
    const doorward = doorwards[place].address;
    const edge = {
      profile: 'hardened',
      folder: world.folder,
      port,
      doorward,
      hosts,
      keepSilentConnections: true,
    } as const;
    const envoy = await startEnvoy({ ...edge, upstreamPort: world.upstream.port });
    closers.push(() => envoy.stop());
    return envoy;
  };
  return [await start('first'), await start('second')];
}

/** Envoy looks for a process that was not there each second. */
const untilBothAreAsked = (envoy: RunningEnvoy): Promise<true> =>
  waitFor('Envoy to know of both', async () =>
    (await envoy.counter('cluster.doorward.membership_healthy')) === 2 ? true : undefined,
  );

/** One public request and one stranger on ten visitors. */
const VISITORS_TO_OTHERS = 10;

function withOthers(visitors: readonly Visitor[]): readonly Asker[] {
  const others = Math.ceil(visitors.length / VISITORS_TO_OTHERS);
  return Array.from({ length: others }, (_, index): readonly Asker[] => {
    const some = visitors.slice(index * VISITORS_TO_OTHERS, (index + 1) * VISITORS_TO_OTHERS);
    return [...some, 'public', 'stranger'];
  }).flat();
}

async function signIn(world: World, doorward: RunningDoorward, user: UserName): Promise<Visitor> {
  const page = `${world.origins('app')}/`;
  const client = world.client();
  const before = new Set((await sessionsOf(doorward, user)).map(({ handle }) => handle));
  const { status } = await world.login(client, page, user);
  if (status !== 200) throw new Error(`${user} was answered ${status} at the sign-in`);
  const session = (await sessionsOf(doorward, user)).find(({ handle }) => !before.has(handle));
  if (session === undefined) throw new Error(`${user} signed in, and no session is listed`);
  return { ...session, cookie: await client.jar.getCookieString(page) };
}

async function sessionsOf(
  doorward: RunningDoorward,
  user: string,
): Promise<readonly Pick<Visitor, 'handle' | 'subject' | 'email'>[]> {
  const ask = createAdminClient(doorward.configFile.replace('doorward.yaml', 'admin.sock'));
  const { body } = await ask('GET', `/v1/sessions?user=${encodeURIComponent(user)}&limit=1000`);
  const { sessions } = body as { readonly sessions: readonly Pick<Visitor, 'handle' | 'subject' | 'email'>[] };
  return sessions.map(({ handle, subject, email }) => ({ handle, subject, email }));
}
