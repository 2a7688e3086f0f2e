/** Facts from outside decide through the real Envoy: files and a URL that change, go down and grow old while requests are made. */

import { X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createRevocableAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const folder = temporaryFolder();
const authority = createRevocableAuthority(folder, 'clients');
const names = ['email:laptop@example.com'];
const [listed, unlisted] = [authority.issue('listed', names), authority.issue('unlisted', names)];
const fingerprint = ({ cert }: { readonly cert: string }): string => new X509Certificate(cert).fingerprint256;

/** Replaces a file as a deployment would. */
function replace(name: string, content: unknown): void {
  writeFileSync(folder.file('next'), typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(folder.file('next'), folder.file(name));
}

const PEOPLE = [
  { id: 'alice', department: 'sales' },
  { id: 'bob', department: 'it' },
];
const OFFICES = 'network,place\n127.0.0.0/8,office\n10.0.0.0/8,elsewhere\n';
const DEVICES = [{ device: fingerprint(listed), state: 'managed' }];
const CLEARED = [{ id: 'alice', level: 3 }];

/** What the URL says, to those who have the key. */
const said = { body: JSON.stringify(CLEARED), etag: '"1"', whole: 0, unchanged: 0, refused: 0 };
const directory: Server = createServer((request, response) => {
  if (request.headers.authorization !== 'Bearer the-key') {
    said.refused += 1;
    response.writeHead(401).end();
  } else if (request.headers['if-none-match'] === said.etag) {
    said.unchanged += 1;
    response.writeHead(304).end();
  } else {
    said.whole += 1;
    response.writeHead(200, { etag: said.etag, 'content-type': 'application/json' }).end(said.body);
  }
});

const say = (rows: unknown, etag: string): void => {
  said.body = JSON.stringify(rows);
  said.etag = etag;
};

let port: number;
const startDirectory = (): Promise<void> =>
  new Promise((resolve) => directory.listen(port, '127.0.0.1', () => resolve()));
const stopDirectory = (): Promise<void> =>
  new Promise((resolve) => {
    directory.close(() => resolve());
    directory.closeAllConnections();
  });

const record = (source: string, field: string, is: string): object => ({ record: { source, field, is } });
/** By the first segment of the path. */
const criteria = {
  sales: [record('people', 'department', 'sales')],
  office: [record('offices', 'place', 'office')],
  device: [record('devices', 'state', 'managed')],
  cleared: [{ record: { source: 'cleared', field: 'level', '>=': 2 } }],
  fresh: [{ record: { source: 'fresh', field: 'level', '>=': 2 } }],
  id: [{ groups: { has: 'g-1' } }],
  name: [{ groups: { has: 'Cleared people' } }],
};

const POLL = '100ms';
const records = (): object => {
  const file = (name: string): object => ({ file: folder.file(name), interval: POLL });
  const url = { url: `http://127.0.0.1:${port}/cleared`, headers: { authorization: 'Bearer the-key' }, interval: POLL };
  return {
    people: file('people.json'),
    offices: { ...file('offices.csv'), key: 'network', foreign_key: 'request.ip' },
    devices: { ...file('devices.json'), key: 'device', foreign_key: 'request.client_certificate.fingerprint' },
    teams: { ...file('teams.json'), key: 'email', foreign_key: 'user.email' },
    cleared: url,
    fresh: { ...url, max_age: '2s' },
  };
};

let world: World;
let alice: WebClient;
let bob: WebClient;

/** What the files say before each test. */
function writeFiles(): void {
  replace('people.json', PEOPLE);
  replace('offices.csv', OFFICES);
  replace('devices.json', DEVICES);
  replace('teams.json', [{ email: 'alice@example.com', groups: [{ id: 'g-1', name: 'Cleared people' }] }]);
}

beforeAll(async () => {
  port = await freePort();
  await startDirectory();
  writeFiles();
  world = await openWorld({
    profile: 'hardened',
    envoy: { clientCertificates: true },
    config: () => ({
      records: records(),
      groups: { source: 'teams', field: 'groups' },
      downstream_mtls: { ca_file: authority.certFile, enforcement: 'policy' },
    }),
    routes: (origins) =>
      Object.entries(criteria).map(([id, and]) => ({
        ...{ from: origins('app'), id, prefix: `/${id}/`, policy: [{ allow: { and } }] },
      })),
  });
  [alice, bob] = [world.client(), world.client()];
  await world.login(alice, page('sales'), 'alice');
  await world.login(bob, page('sales'), 'bob');
});
afterAll(async () => {
  await world.close();
  await stopDirectory();
  folder.remove();
});
beforeEach(writeFiles);

const page = (name: keyof typeof criteria): string => `${world.origins('app')}/${name}/x`;
const status = async (client: WebClient, name: keyof typeof criteria): Promise<number> =>
  (await client.get(page(name), API)).status;
const until = (client: WebClient, name: keyof typeof criteria, wanted: number): Promise<true> =>
  waitFor(`${name} to answer ${wanted}`, async () => ((await status(client, name)) === wanted ? true : undefined));
/** The line of a source in /readyz?verbose. */
const lineOf = async (source: string): Promise<string> =>
  (await world.doorward.ops('/readyz?verbose')).body.split('\n').find((line) => line.includes(`records ${source}:`)) ??
  '';
/** One that came before, for another reason, is passed over. */
const refusalOfAlice = (name: keyof typeof criteria, reason: string) =>
  world.doorward.auditOf(
    (each) =>
      each.path === `/${name}/x` &&
      each.status === 403 &&
      each.email?.startsWith('alice') === true &&
      each.allow_reasons.includes(reason),
  );

describe('a file', () => {
  test('lets in who has a row that fits, and refuses from the next look on when it is taken out', async () => {
    await until(alice, 'sales', 200);
    expect(await status(bob, 'sales')).toBe(403);
    replace('people.json', PEOPLE.slice(1));
    await until(alice, 'sales', 403);
    expect(await refusalOfAlice('sales', 'record-unauthorized')).toMatchObject({
      decision: 'deny',
      allow_reasons: ['record-unauthorized'],
    });
    replace('people.json', PEOPLE);
    await until(alice, 'sales', 200);
  });

  test.each([
    ['is no JSON', '[{"id":"alice"', 'is not JSON'],
    ['has a user twice', JSON.stringify([...PEOPLE, PEOPLE[0]]), 'has the `id` of row 3 twice'],
    ['has a field twice', '[{"id":"alice","department":"it","department":"it"}]', 'names a field twice'],
  ])('that %s changes nothing', async (_name, content, why) => {
    await until(alice, 'sales', 200);
    replace('people.json', content);
    await waitFor('the failure', async () => ((await lineOf('people')).includes(why) ? true : undefined));
    expect(await status(alice, 'sales')).toBe(200);
  });

  test('of CSV is looked up by the address of the client, the smallest network first', async () => {
    await until(alice, 'office', 200);
    replace('offices.csv', `${OFFICES}127.0.0.1,guests\n`);
    await until(alice, 'office', 403);
    replace('offices.csv', OFFICES);
    await until(alice, 'office', 200);
  });

  test('is looked up by the certificate of the client, if that is valid', async () => {
    const [with_, without] = [world.client({ certificate: listed }), world.client({ certificate: unlisted })];
    expect(await status(with_, 'device')).toBe(200);
    expect([await status(without, 'device'), await status(world.client(), 'device')]).toEqual([403, 403]);
    replace('devices.json', [{ ...DEVICES[0], device: fingerprint(unlisted) }]);
    await until(with_, 'device', 403);
    expect(await status(without, 'device')).toBe(200);
  });
});

describe('a URL', () => {
  test('is asked with its key and its ETag, and a body that changed decides', async () => {
    await until(alice, 'cleared', 200);
    expect(await status(bob, 'cleared')).toBe(403);
    const { unchanged, whole } = said;
    await waitFor('304 to be answered', () => (said.unchanged > unchanged + 3 ? true : undefined));
    expect({ whole: said.whole, refused: said.refused }).toEqual({ whole, refused: 0 });
    expect(await status(alice, 'cleared')).toBe(200);
    say([{ id: 'alice', level: 1 }], '"2"');
    await until(alice, 'cleared', 403);
    expect(await refusalOfAlice('cleared', 'record-unauthorized')).toMatchObject({
      decision: 'deny',
      allow_reasons: ['record-unauthorized'],
    });
    say(CLEARED, '"3"');
    await until(alice, 'cleared', 200);
  });

  test('that is down counts with what it said last until that is too old, and then opens nothing', async () => {
    await until(alice, 'fresh', 200);
    await stopDirectory();
    await waitFor('the failure', async () =>
      (await lineOf('cleared')).includes('could not be reached') ? true : undefined,
    );
    await until(alice, 'fresh', 403);
    expect(await refusalOfAlice('fresh', 'criterion-error')).toMatchObject({
      decision: 'deny',
      allow_reasons: ['criterion-error'],
    });
    expect(await status(alice, 'cleared')).toBe(200);
    expect(await lineOf('fresh')).toMatch(/^\[-\]/);
    expect((await world.doorward.ops('/readyz')).status).toBe(200);
    await startDirectory();
    await until(alice, 'fresh', 200);
  });
});

test('groups of a source count by id and by name, without a new login', async () => {
  for (const name of ['id', 'name'] as const) {
    await until(alice, name, 200);
    expect(await status(bob, name)).toBe(403);
  }
  replace('teams.json', [{ email: 'bob@example.com', groups: 'g-1; Others' }]);
  await until(alice, 'id', 403);
  expect([await status(alice, 'name'), await status(bob, 'id'), await status(bob, 'name')]).toEqual([403, 200, 403]);
});
