/** What README.md tells a stranger to do, done: its configuration starts, its Envoy snippets are taken by the real Envoy and ask Doorward. */

import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';

import { locate } from '../../tools/components.mjs';
import { newSecret, runDoorward } from '../support/doorward.ts';
import { startProgram, untilReady } from '../support/child-process.ts';
import type { RunningProgram } from '../support/child-process.ts';
import { validateEnvoyConfig } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { fetchText, rawRequest, sendRaw } from '../support/raw-http.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const readme = readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8');

/** The fenced block under `<!-- test: name -->`. */
function block(name: string): string {
  const found = new RegExp(`<!-- test: ${name} -->\n\`\`\`[a-z]+\n([\\s\\S]*?)\n\`\`\``).exec(readme)?.[1];
  if (found === undefined) throw new Error(`README.md has no block "${name}"`);
  return found;
}

const folder = temporaryFolder();
const configFile = folder.file('doorward.yaml');
const env = { COOKIE_SECRET: newSecret(), SHARED_SECRET: newSecret(), IDP_CLIENT_SECRET: 'the-secret-of-your-client' };

beforeAll(() => {
  writeFileSync(configFile, block('doorward.yaml'));
});
afterAll(() => folder.remove());

describe('the configuration of README.md', () => {
  test('passes doorward check, without an error or a warning', async () => {
    const { code, stdout } = await runDoorward(['check', '-c', configFile], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/(?:^|\n)ok: 2 routes\n$/);
    expect(stdout).not.toMatch(/: (?:error|warning): /);
  });

  test('is refused with the name of each variable that is not set', async () => {
    const { code, stdout } = await runDoorward(['check', '-c', configFile], { COOKIE_SECRET: newSecret() });
    expect(code).toBe(1);
    for (const name of ['SHARED_SECRET', 'IDP_CLIENT_SECRET']) expect(stdout).toContain(name);
  });
});

describe('README.md, followed', () => {
  type Named = { name: string };
  type Port = { socket_address: { port_value: number } };
  type Envoy = {
    admin: { address: Port };
    static_resources: {
      listeners: { address: Port; filter_chains: { filters: { typed_config: { http_filters: Named[] } }[] }[] }[];
      clusters: (Named & {
        load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: unknown } }[] }[] };
      })[];
    };
  };
  const socket = folder.file('check.sock');
  const programs: RunningProgram[] = [];
  let envoyPort = 0;

  /** The commands as they stand, where a clone would have them; `serve` in the place of the shell, so that it ends with it. */
  const commands = block('commands').replace(/^node dist\/main\.js serve/m, 'exec $&');

  beforeAll(async () => {
    const opsPort = await freePort();
    const listeners = {
      grpc_address: `unix:${socket}`,
      ops_address: `127.0.0.1:${opsPort}`,
      admin_socket: folder.file('admin.sock'),
    };
    writeFileSync(configFile, `${block('doorward.yaml')}\n${stringify(listeners)}`);
    symlinkSync(join(PROJECT_ROOT, 'dist'), folder.file('dist'));
    const doorward = startProgram({
      name: 'doorward',
      command: 'bash',
      args: ['-e', '-c', commands],
      cwd: dirname(configFile),
    });
    programs.push(doorward);
    await untilReady('Doorward', doorward, async () => (await fetchText({ port: opsPort }, '/readyz')).status === 200);
    expect(doorward.output()).toContain('ok: 2 routes');

    envoyPort = await freePort();
    const adminPort = await freePort();
    const file = folder.file('envoy.yaml');
    writeFileSync(file, stringify(envoyConfig(envoyPort, adminPort)));
    expect(validateEnvoyConfig(file).output).toContain('OK');
    const envoy = startProgram({
      name: 'envoy',
      command: locate('envoy'),
      args: ['-c', file, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'error'],
    });
    programs.push(envoy);
    await untilReady('Envoy', envoy, async () => (await fetchText({ port: adminPort }, '/ready')).status === 200);
  });
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
  });

  /** envoy/minimal.yaml with the snippets in the place of its own, on free ports, and Doorward on its socket. */
  function envoyConfig(port: number, adminPort: number): Envoy {
    const config = parse(readFileSync(join(PROJECT_ROOT, 'envoy', 'minimal.yaml'), 'utf8')) as Envoy;
    const { static_resources: resources } = config;
    const listener = resources.listeners[0]!;
    const connectionManager = listener.filter_chains[0]!.filters[0]!.typed_config;
    const [filter] = parse(block('filter')) as Named[];
    const [cluster] = parse(block('cluster')) as Envoy['static_resources']['clusters'];
    const router = connectionManager.http_filters.filter(({ name }) => name === 'envoy.filters.http.router');
    connectionManager.http_filters = [filter!, ...router];
    cluster!.load_assignment.endpoints[0]!.lb_endpoints[0]!.endpoint.address = { pipe: { path: socket } };
    resources.clusters = [cluster!, ...resources.clusters.filter(({ name }) => name !== 'doorward')];
    listener.address.socket_address.port_value = port;
    config.admin.address.socket_address.port_value = adminPort;
    return config;
  }

  const ask = (path: string, lines: readonly string[] = ['Accept: application/json']) =>
    sendRaw({ port: envoyPort }, rawRequest({ path, host: 'grafana.example.com', lines }));

  test('its Envoy asks Doorward: a program without a session is told 401 in JSON', async () => {
    const { status, body } = await ask('/d/board');
    expect([status, JSON.parse(body)]).toMatchObject([401, { error: 'login-required' }]);
  });

  test('a browser is told that sign-in is not possible now, since the provider of the README is not there', async () => {
    expect((await ask('/d/board', ['Accept: text/html', 'Sec-Fetch-Mode: navigate'])).status).toBe(503);
  });

  test('a public page goes on to the application, which is not there: the answer is Envoy’s own', async () => {
    const { status, body } = await ask('/public/logo.png');
    expect(status).toBe(503);
    expect(body).toContain('upstream');
  });

  test('a host that the configuration does not name is not found', async () => {
    expect((await sendRaw({ port: envoyPort }, rawRequest({ path: '/', host: 'other.example.com' }))).status).toBe(404);
  });

  test('the commands for sessions reach the service', async () => {
    const lines = block('session')
      .split('\n')
      .map((line) => line.replace(/^node dist\/main\.js /, '').split(' '));
    expect(lines).toHaveLength(2);
    const inFolder = (args: readonly string[]) =>
      runDoorward(
        args.map((each) => (each === 'doorward.yaml' ? configFile : each)),
        env,
      );
    const [list, revoke] = lines;
    expect(await inFolder(list!)).toMatchObject({ code: 0, stdout: 'no sessions\n' });
    expect(await inFolder(revoke!)).toMatchObject({ code: 1, stderr: expect.stringContaining('no live session of') });
  });
});

test('README.md names files and documents that are there', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path ?? '');
  expect(links.length).toBeGreaterThan(5);
  for (const path of links) expect([path, existsSync(join(PROJECT_ROOT, path))]).toEqual([path, true]);
});
