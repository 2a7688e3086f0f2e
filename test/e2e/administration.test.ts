/** Sessions are ended over each way to ask for it, at one of two processes on one Redis: no request that is sent afterwards is let through at either. */

import { writeFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Certificate } from '../support/certificates.ts';
import { newSecret, type CommandResult } from '../support/doorward.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type RunningRedis } from '../support/redis.ts';
import { startSecondProcess, type SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld, type World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const folder = temporaryFolder();
const tokenFile = folder.file('tokens');
const clientTokenFile = folder.file('token');
const token = newSecret();
let redis: RunningRedis;
let world: World;
let second: SecondProcess;
let tokenPort = 0;
let tlsPort = 0;
let operator: Certificate;

beforeAll(async () => {
  redis = await startRedis({ folder });
  [tokenPort, tlsPort] = [await freePort(), await freePort()];
  writeFileSync(tokenFile, `alice ${token}\n`, { mode: 0o600 });
  writeFileSync(clientTokenFile, `${token}\n`, { mode: 0o600 });
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    config: () => ({
      redis: { host: redis.host, port: redis.port },
      admin_address: `127.0.0.1:${tokenPort}`,
      admin_token_file: tokenFile,
    }),
  });
  const { ca } = world;
  const server = ca.issue('admin', ['IP:127.0.0.1']);
  operator = ca.issue('operator', ['email:operator@example.com']);
  second = await startSecondProcess(
    {
      ...world,
      config: {
        ...world.config,
        admin_address: `127.0.0.1:${tlsPort}`,
        admin_token_file: undefined,
        admin_tls: {
          certificate_file: server.certFile,
          key_file: server.keyFile,
          client_ca_file: ca.certFile,
          client_names: ['email:operator@example.com'],
        },
      },
    },
    'hardened',
  );
});
afterAll(async () => {
  await second.close();
  await world.close();
  await redis.stop();
  folder.remove();
});

const byToken = (): readonly string[] => ['--address', `127.0.0.1:${tokenPort}`, '--token-file', clientTokenFile];
const byCertificate = (): readonly string[] => [
  ...['--address', `127.0.0.1:${tlsPort}`, '--ca', world.ca.certFile],
  ...['--cert', operator.certFile, '--key', operator.keyFile],
];
const session = (args: readonly string[], over: readonly string[]): Promise<CommandResult> =>
  world.doorward.command(['session', ...args, ...over]);

const signedIn = async (user: string): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, `${world.origins('app')}/`, user);
  expect(await second.statuses(client)).toEqual([200, 200]);
  return client;
};

const ways = {
  socket: () => ['-c', world.doorward.configFile],
  token: byToken,
  certificate: byCertificate,
  direct: () => ['--direct', '-c', world.doorward.configFile],
};

/** What ends a session of this user, as it is asked for in this way. */
const changes: Readonly<Record<string, (user: string, over: readonly string[]) => Promise<readonly string[]>>> = {
  revoke: async (user, over) => {
    const { stdout } = await session(['list', '--user', user, '-o', 'json'], over);
    const { sessions } = JSON.parse(stdout) as { readonly sessions: readonly { readonly handle: string }[] };
    return ['revoke', ...sessions.map(({ handle }) => handle)];
  },
  'revoke-user': (user) => Promise.resolve(['revoke-user', user]),
  'revoke-idp': () => Promise.resolve(['revoke-idp', 'default']),
  'revoke-all': () => Promise.resolve(['revoke-all']),
};

describe.each(Object.entries(ways))('asked by way of: %s', (way, over) => {
  test.each(Object.entries(changes))(
    '%s is effective on the very next request at both processes',
    async (_, argsFor) => {
      const client = await signedIn('alice');
      const args = await argsFor('alice@example.com', over());
      const ended = await session([...args, '--reason', `drill ${way}`], over());
      const statuses = await second.statuses(client);
      expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('acknowledged by 2 of 2 processes') });
      expect(statuses).toEqual([401, 401]);
    },
  );
});

/** Changes in each way. */
const EACH = Object.keys(changes).length;

test('the audit has who, over what, and why', async () => {
  const records = await waitFor('the audit of both', () => {
    const all = [...world.doorward.changes(), ...second.doorward.changes()];
    return all.length === EACH * 4 ? all : undefined;
  });
  const by = (way: string): unknown[] =>
    records.filter(({ reason }) => reason === `drill ${way}`).map((each) => each.by);
  expect(by('socket')).toEqual(Array(EACH).fill({ via: 'socket', uid: process.getuid?.() }));
  expect(by('direct')).toEqual(Array(EACH).fill({ via: 'direct', uid: process.getuid?.(), host: expect.any(String) }));
  const fingerprint = expect.stringMatching(/^[0-9a-f]{12}$/);
  const from = '127.0.0.1';
  expect(by('token')).toEqual(Array(EACH).fill({ via: 'address', from, token: { name: 'alice', fingerprint } }));
  const certificate = {
    subject: 'O=Doorward tests, CN=operator',
    names: ['email:operator@example.com'],
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
  };
  expect(by('certificate')).toEqual(Array(EACH).fill({ via: 'address', from, certificate }));
  const ids = [...world.doorward.changesAsked(), ...second.doorward.changesAsked()].map(({ id }) => id);
  expect(new Set(ids).size).toBe(EACH * 4);
  expect(records.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(JSON.stringify(records) + world.doorward.output()).not.toContain(token);
});
