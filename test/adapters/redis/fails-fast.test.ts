/** One connection that is lost, or has no answer: what was asked is refused, once and at once, and never sent again. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { clientOptions } from '../../../src/adapters/redis/client-options.ts';
import type { RedisLink } from '../../../src/adapters/redis/connection.ts';
import { script } from '../../../src/adapters/redis/scripts.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { openConnection, rawClient, serverAt } from './a-redis.ts';

const DEADLINE_MS = 400;
const unavailable = { code: 'store-unavailable' };
const countScript = script('count', `return { ARGV[1], redis.call('HINCRBY', KEYS[1], 'count', '1') }`);

describe('a connection', () => {
  const folder = temporaryFolder();
  let redis: RunningRedis;
  let raw: Redis;
  let proxy: TcpProxy;
  let connection: RedisLink;
  beforeAll(async () => {
    redis = await startRedis({ folder });
    raw = rawClient(redis.port);
    proxy = await startTcpProxy(redis.port);
  });
  afterAll(async () => {
    raw.disconnect();
    await proxy.close();
    await redis.stop();
    folder.remove();
  });
  beforeEach(async () => {
    await raw.del('dw:count');
    connection = openConnection(serverAt(proxy.port, { command_timeout_ms: DEADLINE_MS }));
    await isIn('closed');
    expect(await count()).toEqual([1]);
  });
  afterEach(async () => {
    proxy.behave({ kind: 'pass' });
    await connection.close();
  });
  const count = (): Promise<readonly unknown[]> => connection.run(countScript, ['dw:count'], []);
  const counted = (): Promise<string | null> => raw.hget('dw:count', 'count');
  const isIn = (circuit: string): Promise<true> =>
    waitFor(`a circuit that is ${circuit}`, () => (connection.state().circuits[0] === circuit ? true : undefined));

  test('that is lost opens its circuit, which is counted, and closes it when it is answered again', async () => {
    proxy.behave({ kind: 'reset' });
    await isIn('open');
    expect(connection.state().openings).toBe(1);
    await expect(count()).rejects.toMatchObject({ ...unavailable, message: 'Redis is out of reach' });
    proxy.behave({ kind: 'pass' });
    await isIn('closed');
    expect(connection.state().openings).toBe(1);
    expect(await count()).toEqual([2]);
  });

  test('that has no answer in time opens its circuit, though it is open itself and takes what is sent', async () => {
    proxy.behave({ kind: 'drop' });
    await expect(count()).rejects.toMatchObject({ ...unavailable, message: 'Redis does not answer count in time' });
    expect(connection.state()).toMatchObject({ circuits: ['open'], openings: 1 });
  });

  test('that is lost while something is asked: it is refused, and not sent again when the connection is back', async () => {
    proxy.behave({ kind: 'corrupt', change: () => undefined });
    const refusal = expect(count()).rejects.toMatchObject(unavailable);
    await waitFor('it to be carried out', async () => ((await counted()) === '2' ? true : undefined));
    proxy.behave({ kind: 'reset' });
    await isIn('open');
    proxy.behave({ kind: 'pass' });
    await isIn('closed');
    await refusal;
    // By then whatever the client had kept is answered: replies come in order.
    expect(await count()).toEqual([3]);
  });

  test('that is not there yet queues nothing', async () => {
    const times = { command_timeout_ms: DEADLINE_MS, connect_timeout_ms: DEADLINE_MS };
    const client = new Redis({
      ...clientOptions({ username: undefined, password: undefined }, times),
      ...{ host: redis.host, port: redis.port, lazyConnect: true },
    });
    await expect(client.hincrby('dw:count', 'count', 1)).rejects.toThrow(/isn't writeable/);
    await waitFor('the connection', () => (client.status === 'ready' ? true : undefined));
    expect(await client.hget('dw:count', 'count')).toBe('1');
    client.disconnect();
  });
});
