/** Sources of records against files that change and a server that does everything wrong. */

import { mkdtemp, rename, rm, symlink, writeFile, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createRecordSource, type ManagedRecordSource } from '../../../src/adapters/records/record-source.ts';
import type { RecordSourceConfig } from '../../../src/core/config.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { createCertificateAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';

const waitUntil = (holds: () => boolean): Promise<true> => waitFor('the source', () => (holds() ? true : undefined));

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function aSource(changes: Partial<RecordSourceConfig>): ManagedRecordSource & { readonly logged: string[] } {
  const logged: string[] = [];
  const log = (fields: unknown, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const source = createRecordSource(
    {
      name: 'hr',
      from: { kind: 'file', path: '/nowhere' },
      format: 'json',
      key: 'id',
      foreign_key: 'user.id',
      ...{ interval: 0.05, timeout: 0.5, max_bytes: 1000, max_rows: 10, max_age: 60 },
      ...changes,
    },
    {
      clock: { now: () => epochSeconds(1000), monotonicMs: () => 0 },
      entropy: { bytes: (length) => new Uint8Array(length) },
      logger: { debug: log, info: log, warn: log, error: log },
      readFile: (path) => readFile(path),
    },
  );
  cleanUps.push(() => source.close());
  return Object.assign(source, { logged });
}

async function aServer(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/people?key=SECRET`;
}

const http = (url: string) => ({ from: { kind: 'http', url, headers: { authorization: 'Bearer SECRET' } } as const });
const GOOD = '[{"id":"alice","team":"sre"}]';
const teamOf = (source: ManagedRecordSource) => source.snapshot()?.table.find('alice')?.['team'];

describe('a source by HTTP', () => {
  test('sends its headers, is asked with its ETag, and keeps its table over 304', async () => {
    const asked: IncomingMessage['headers'][] = [];
    const url = await aServer((request, response) => {
      asked.push(request.headers);
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"1"' }).end(GOOD);
    });
    const source = aSource(http(url));
    await source.start();
    const first = source.snapshot();
    expect(teamOf(source)).toBe('sre');
    await waitUntil(() => asked.length >= 3);
    expect(asked[0]).toMatchObject({ authorization: 'Bearer SECRET', 'accept-encoding': 'identity' });
    expect(source.snapshot()?.table).toBe(first?.table);
    expect(source.status().polls).toMatchObject({ changed: 1, failed: 0 });
    await waitUntil(() => source.status().polls.unchanged >= 2);
  });

  const misbehaviours: readonly (readonly [string, (response: ServerResponse) => void, string])[] = [
    ['an error', (response) => response.writeHead(500).end(GOOD), 'answered 500'],
    ['a redirect', (response) => response.writeHead(302, { location: '/else' }).end(), 'answered 302'],
    ['304 without a question', (response) => response.writeHead(304).end(), 'answered 304'],
    ['too much', (response) => response.end('x'.repeat(2000)), 'is larger than 1000 bytes'],
    [
      'a page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'answered with a page of HTML',
    ],
    ['no JSON', (response) => response.end('{'), 'is not JSON'],
    ['a key twice', (response) => response.end('[{"id":"a"},{"id":"a"}]'), 'has the `id` of row 2 twice'],
    ['no UTF-8', (response) => response.end(Buffer.from([0xff])), 'is not UTF-8 text'],
    [
      'compressed',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      'sent a compressed answer that was not asked for',
    ],
    [
      'a cut answer',
      (response) => {
        response.writeHead(200, { 'content-length': '500' });
        response.write(GOOD);
        setTimeout(() => response.destroy(), 20);
      },
      'could not be reached, or broke off',
    ],
    ['nothing', () => undefined, 'did not answer in time'],
    ['a slow answer', (response) => void response.write(' '), 'did not answer in time'],
  ];

  test.each(misbehaviours)('that sends %s at first says nothing', async (_name, misbehave, why) => {
    const source = aSource(http(await aServer((_request, response) => misbehave(response))));
    await source.start();
    expect(source.snapshot()).toBeUndefined();
    expect(source.status().failure).toBe(why);
    expect(source.logged.join()).not.toContain('SECRET');
  });

  test.each(misbehaviours)('that sends %s keeps what it said last', async (_name, misbehave, why) => {
    let count = 0;
    const url = await aServer((_request, response) => {
      count += 1;
      if (count === 1) response.end(GOOD);
      else misbehave(response);
    });
    const source = aSource(http(url));
    await source.start();
    await waitUntil(() => source.status().failure !== undefined);
    expect(source.status().failure).toBe(why);
    expect(teamOf(source)).toBe('sre');
    expect(source.logged.join()).not.toContain('SECRET');
  });

  test('is never asked twice at once, is told of once, and comes back', async () => {
    let open = 0;
    let most = 0;
    let isGood = false;
    const url = await aServer((_request, response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(isGood ? 200 : 503).end(GOOD);
      }, 120);
    });
    const source = aSource(http(url));
    await source.start();
    expect(source.snapshot()).toBeUndefined();
    await waitUntil(() => source.status().polls.failed >= 3);
    expect(source.logged.filter((line) => line.includes('answered 503'))).toHaveLength(1);
    isGood = true;
    await waitUntil(() => teamOf(source) === 'sre');
    expect(most).toBe(1);
    expect(source.status().failure).toBeUndefined();
  });
});

test('a source by https is believed by its ca_file alone', async () => {
  const folder = temporaryFolder();
  cleanUps.push(() => folder.remove());
  const [own, other] = [createCertificateAuthority(folder, 'own'), createCertificateAuthority(folder, 'other')];
  const { cert, key } = own.issue('hr', ['IP:127.0.0.1']);
  const server = createTlsServer({ cert, key }, (_request, response) => response.end(GOOD));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const teamBy = async (authorities: object) => {
    const source = aSource({ from: { kind: 'http', url, headers: {}, ...authorities } });
    await source.start();
    return teamOf(source) ?? source.status().failure;
  };
  expect(await teamBy({ ca: own.cert })).toBe('sre');
  for (const authorities of [{ ca: other.cert }, {}])
    expect(await teamBy(authorities)).toBe('could not be reached, or broke off');
});

describe('a source by file', () => {
  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'doorward-records-'));
    cleanUps.push(() => rm(path, { recursive: true }));
    return path;
  };

  test('follows a file that is replaced by rename and by the swap of a link', async () => {
    const path = await folder();
    await writeFile(join(path, 'one'), 'id,team\nalice,sre\n');
    await writeFile(join(path, 'two'), 'id,team\n"alice","it, and more"\n');
    await symlink('one', join(path, 'data'));
    const source = aSource({ from: { kind: 'file', path: join(path, 'data') }, format: 'csv' });
    await source.start();
    expect(teamOf(source)).toBe('sre');
    await symlink('two', join(path, 'next'));
    await rename(join(path, 'next'), join(path, 'data'));
    await waitUntil(() => teamOf(source) === 'it, and more');
    await writeFile(join(path, 'three'), 'id,team\nalice,"broken\n');
    await rename(join(path, 'three'), join(path, 'data'));
    await waitUntil(() => source.status().failure === 'is not CSV');
    expect(teamOf(source)).toBe('it, and more');
  });

  test('says that it cannot be read, and stops when it is closed', async () => {
    const source = aSource({});
    await source.start();
    expect(source.status()).toEqual({
      snapshot: undefined,
      polls: { changed: 0, unchanged: 0, failed: 1 },
      failure: 'cannot be read',
    });
    source.close();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(source.status().polls.failed).toBe(1);
  });
});
