/** The server over real sockets, asked by the real gRPC client. */

import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';

import { compressionAlgorithms, credentials, Metadata, status, type MethodDefinition } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';

import type { AccessRequest } from '../../../src/core/request/access-request.ts';
import type { Outcome } from '../../../src/core/response/decision.ts';
import { aHandler, allowing, anAsker, answering, closeAll, open, portOf } from './a-check-server.ts';
import { encodeRequest, fixture, fixtures, health } from './oracle.ts';

afterEach(closeAll);

/** A promise and how to settle it. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 500) throw new Error('it never held');
    await sleep(5);
  }
}

describe('a Check', () => {
  test('is handed over decoded, and its Outcome comes back', async () => {
    const seen: AccessRequest[] = [];
    const server = await open({
      handler: aHandler((request) => {
        seen.push(request);
        return request.path === '/ws' ? answering(403, 'forbidden', 'no') : allowing;
      }),
    });
    const asker = anAsker(portOf(server));
    const allowed = await asker.check(fixture('plain'));
    expect(allowed.status?.code).toBe(0);
    expect(allowed.ok_response?.headers[0]?.header).toMatchObject({ key: 'x-judged', value: '1' });
    const denied = await asker.check(fixture('websocket'));
    expect(denied.status?.code).toBe(7);
    expect(denied.denied_response).toMatchObject({ status: { code: 403 }, body: 'no' });
    expect(seen.map(({ path }) => path)).toEqual(['/a%20b//c?x=1&y=%41', '/ws']);
    expect(server.inFlight()).toBe(0);
  });

  test('may be answered later', async () => {
    const answer = deferred<Outcome>();
    const server = await open({ handler: aHandler(() => answer.promise) });
    const pending = anAsker(portOf(server)).check();
    await until(() => server.inFlight() === 1);
    answer.resolve(allowing);
    expect((await pending).status?.code).toBe(0);
    expect(server.inFlight()).toBe(0);
  });

  test.each(fixtures)('of $name arrives whole over the wire', async ({ bytes }) => {
    const server = await open({ handler: aHandler((request) => answering(200, 'own-response', request.authority)) });
    const { denied_response, status: rpc } = await anAsker(portOf(server)).check(bytes);
    expect(rpc?.code).toBe(7);
    expect(denied_response?.body).toMatch(/^[a-z0-9.]+(:\d+)?$/);
  });

  test('that is no CheckRequest is answered as malformed, not failed', async () => {
    const server = await open();
    const answer = await anAsker(portOf(server)).check(Buffer.from('GET / HTTP/1.1'));
    expect(answer.status?.code).toBe(3);
    expect(answer.denied_response).toMatchObject({ status: { code: 400 }, body: 'not a CheckRequest: group' });
  });

  test('that is empty is handed over as no HTTP request', async () => {
    const server = await open({ handler: aHandler(({ isHttp }) => answering(400, 'not-http', String(isHttp))) });
    expect((await anAsker(portOf(server)).check(Buffer.alloc(0))).denied_response?.body).toBe('false');
  });

  test.each<[string, () => Outcome | Promise<Outcome>]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['returns nothing', () => undefined as unknown as Outcome],
    [
      'returns a header with a line break',
      () => ({ ...allowing, upstream: { set: [['x-a', 'a\r\nb']], remove: [], setCookies: [] } }) as Outcome,
    ],
  ])('whose handler %s is an explicit 500 and a line in the log', async (_, answer) => {
    const server = await open({ handler: aHandler(answer) });
    const { status: rpc, denied_response, ok_response } = await anAsker(portOf(server)).check();
    expect(rpc?.code).toBe(13);
    expect(ok_response).toBeUndefined();
    expect(denied_response?.status.code).toBe(500);
    expect(denied_response?.body).toBe('A fault in Doorward. The request was refused.\n');
    expect(server.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(server.inFlight()).toBe(0);
  });

  test('brings what is left of its deadline, or none', async () => {
    const budgets: (number | undefined)[] = [];
    const server = await open({
      handler: aHandler((_, budgetMs) => {
        budgets.push(budgetMs);
        return allowing;
      }),
    });
    const asker = anAsker(portOf(server));
    await asker.check(fixture('plain'), { deadline: Date.now() + 3_000 });
    await asker.check(fixture('plain'), { deadline: Infinity });
    expect(budgets[0]).toBeGreaterThan(1_000);
    expect(budgets[0]).toBeLessThanOrEqual(3_000);
    expect(budgets[1]).toBeUndefined();
  });

  test('that its caller gives up counts until it is judged, and hurts nobody', async () => {
    const answers = [deferred<Outcome>(), deferred<Outcome>()];
    let asked = 0;
    const server = await open({ handler: aHandler(() => answers[asked++]?.promise ?? allowing) });
    const asker = anAsker(portOf(server));
    await expect(asker.check(fixture('plain'), { deadline: Date.now() + 100 })).rejects.toMatchObject({ code: 4 });
    const call = asker.client.makeUnaryRequest(
      '/envoy.service.auth.v3.Authorization/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      fixture('plain'),
      () => undefined,
    );
    await until(() => asked === 2);
    call.cancel();
    await sleep(50);
    expect(server.inFlight()).toBe(2);
    answers[0]?.resolve(allowing);
    answers[1]?.reject(new Error('late'));
    await until(() => server.inFlight() === 0);
    expect((await asker.check()).status?.code).toBe(0);
  });

  test('beyond the bound is answered as overloaded at once, and those within it are not disturbed', async () => {
    const answer = deferred<Outcome>();
    const server = await open({ inFlightMax: 3, handler: aHandler(() => answer.promise) });
    const asker = anAsker(portOf(server));
    const within = [asker.check(), asker.check(), asker.check()];
    await until(() => server.inFlight() === 3);
    const beyond = await asker.check(fixture('websocket'));
    expect(beyond.status?.code).toBe(14);
    expect(beyond.denied_response).toMatchObject({ status: { code: 503 }, body: '/ws' });
    answer.resolve(allowing);
    for (const each of await Promise.all(within)) expect(each.status?.code).toBe(0);
    expect((await asker.check()).status?.code).toBe(0);
  });

  test('is bounded also by the bytes that are being judged', async () => {
    const answer = deferred<Outcome>();
    const server = await open({ inFlightBytesMax: 1_000, handler: aHandler(() => answer.promise) });
    const asker = anAsker(portOf(server));
    const large = encodeRequest({ attributes: { request: { http: { path: '/large', body: 'x'.repeat(900) } } } });
    const first = asker.check(large);
    await until(() => server.inFlight() === 1);
    expect((await asker.check(large)).denied_response).toMatchObject({ status: { code: 503 }, body: '/large' });
    answer.resolve(allowing);
    expect((await first).status?.code).toBe(0);
    expect((await asker.check(large)).status?.code).toBe(0);
  });

  test('larger than any sane one is not read', async () => {
    const server = await open();
    const asker = anAsker(portOf(server));
    const large = (size: number) => encodeRequest({ attributes: { request: { http: { body: 'x'.repeat(size) } } } });
    expect((await asker.check(large(3_000_000))).status?.code).toBe(0);
    await expect(asker.check(large(5_000_000))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect((await asker.check()).status?.code).toBe(0);
  });

  test('sent compressed is read', async () => {
    const server = await open();
    const asker = anAsker(portOf(server), credentials.createInsecure(), {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    expect((await asker.check()).status?.code).toBe(0);
  });
});

test('another method or service is not there, reflection and channelz included', async () => {
  const server = await open();
  const { client } = anAsker(portOf(server));
  for (const path of [
    '/envoy.service.auth.v3.Authorization/Allow',
    '/envoy.service.auth.v2.Authorization/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.channelz.v1.Channelz/GetServers',
  ]) {
    const code = await new Promise((resolve) => {
      const asBytes = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(path, asBytes, asBytes, Buffer.alloc(0), (error) => {
        resolve(error?.code);
      });
    });
    expect(code).toBe(status.UNIMPLEMENTED);
  }
});

test('bytes that are no HTTP/2 end their own connection and nothing else', async () => {
  const server = await open();
  const asker = anAsker(portOf(server));
  await asker.check();
  const closed = deferred<undefined>();
  const socket = connect(server.port ?? 0, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed.resolve(undefined);
  });
  socket.resume();
  await closed.promise;
  expect((await asker.check()).status?.code).toBe(0);
});

describe('health', () => {
  const Watch = health['Watch'] as MethodDefinition<object, { status: number }>;
  const watch = (asker: ReturnType<typeof anAsker>, service: string) => {
    const seen: number[] = [];
    const stream = asker.client.makeServerStreamRequest(
      Watch.path,
      (message: object) => Watch.requestSerialize(message),
      (bytes: Buffer) => Watch.responseDeserialize(bytes),
      { service },
      new Metadata(),
    );
    const ended = new Promise<void>((resolve) => {
      stream.on('end', resolve);
      stream.on('error', () => undefined);
    });
    stream.on('data', (message: { status: number }) => seen.push(message.status));
    return { seen, ended, stream };
  };

  test('is told of the server and of the service, and of nothing else', async () => {
    const asker = anAsker(portOf(await open()));
    expect(await asker.health('')).toBe(1);
    expect(await asker.health('envoy.service.auth.v3.Authorization')).toBe(1);
    await expect(asker.health('other')).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test('is NOT_SERVING from stopServing on, while Checks are still answered', async () => {
    const server = await open();
    const asker = anAsker(portOf(server));
    server.stopServing();
    expect(await asker.health('')).toBe(2);
    expect(await asker.health('envoy.service.auth.v3.Authorization')).toBe(2);
    expect((await asker.check()).status?.code).toBe(0);
  });

  test('can be watched; the watch ends with the last word, so that it holds no connection open', async () => {
    const server = await open();
    const asker = anAsker(portOf(server));
    const [all, other] = [watch(asker, ''), watch(asker, 'other')];
    await until(() => all.seen.length === 1 && other.seen.length === 1);
    expect([all.seen, other.seen]).toEqual([[1], [3]]);
    const startedAt = Date.now();
    await server.drain(5_000);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    await Promise.all([all.ended, other.ended]);
    expect([all.seen, other.seen]).toEqual([[1, 2], [3]]);
  });

  test('watched after stopServing is told and ended; a watcher that leaves is forgotten', async () => {
    const server = await open();
    const asker = anAsker(portOf(server));
    const early = watch(asker, '');
    await until(() => early.seen.length === 1);
    early.stream.cancel();
    await sleep(50);
    server.stopServing();
    const late = watch(asker, '');
    await late.ended;
    expect([early.seen, late.seen]).toEqual([[1], [2]]);
  });

  test('can be watched by many, but not by any number', async () => {
    const asker = anAsker(portOf(await open({ inFlightMax: 1_000 })));
    const watches = Array.from({ length: 1_000 }, () => watch(asker, ''));
    await until(() => watches.every(({ seen }) => seen.length === 1));
    const code = await new Promise((resolve) => {
      watch(asker, '').stream.on('error', (error: { code?: number }) => {
        resolve(error.code);
      });
    });
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await asker.health('')).toBe(1);
  });

  test('asked with bytes that are no request says so', async () => {
    const { client } = anAsker(portOf(await open()));
    const asBytes = (bytes: Buffer) => bytes;
    const unary = await new Promise((resolve) => {
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', asBytes, asBytes, Buffer.from([0x0a, 9]), (error) => {
        resolve(error?.code);
      });
    });
    expect(unary).toBe(status.INVALID_ARGUMENT);
    const streamed = await new Promise((resolve) => {
      const stream = client.makeServerStreamRequest(Watch.path, asBytes, asBytes, Buffer.from([0x08, 1]));
      stream.on('error', (error: { code?: number }) => {
        resolve(error.code);
      });
      stream.resume();
    });
    expect(streamed).toBe(status.INVALID_ARGUMENT);
  });
});

describe('drain', () => {
  test('lets the calls under way end, and takes no new connection', async () => {
    const answer = deferred<Outcome>();
    const server = await open({ handler: aHandler(() => answer.promise) });
    const target = portOf(server);
    const pending = anAsker(target).check();
    await until(() => server.inFlight() === 1);
    const drained = server.drain(5_000);
    await sleep(50);
    await expect(anAsker(target).check(fixture('plain'), { deadline: Date.now() + 500 })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    answer.resolve(allowing);
    expect((await pending).status?.code).toBe(0);
    await drained;
  });

  test('cuts what has not ended in time', async () => {
    const server = await open({ handler: aHandler(() => new Promise(() => undefined)) });
    const pending = anAsker(portOf(server)).check();
    const failed = expect(pending).rejects.toMatchObject({ code: expect.any(Number) });
    await until(() => server.inFlight() === 1);
    const startedAt = Date.now();
    await server.drain(200);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(190);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    await failed;
  });

  test('of an idle server is at once, and may be repeated', async () => {
    const server = await open();
    await server.drain(5_000);
    await server.drain(5_000);
  });

  test('of one of two servers under load fails no call of a client that knows both', async () => {
    const handler = aHandler(async () => {
      await sleep(2);
      return allowing;
    });
    const [going, staying] = [await open({ handler }), await open({ handler })];
    const asker = anAsker(
      `ipv4:127.0.0.1:${going.port ?? 0},127.0.0.1:${staying.port ?? 0}`,
      credentials.createInsecure(),
      {
        'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      },
    );
    let isOver = false;
    let answered = 0;
    const load = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        expect((await asker.check()).status?.code).toBe(0);
        answered += 1;
      }
    });
    await until(() => answered > 200);
    await going.drain(5_000);
    const before = answered;
    await until(() => answered > before + 200);
    isOver = true;
    await Promise.all(load);
  });
});
