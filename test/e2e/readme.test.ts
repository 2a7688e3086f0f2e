/** What README.md tells a stranger to do, done: its configuration starts, its Envoy snippets are taken by the real Envoy and ask Doorward. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';

import { newSecret, runDoorward } from '../support/doorward.ts';
import { startProgram, untilReady } from '../support/child-process.ts';
import type { RunningProgram } from '../support/child-process.ts';
import { validateEnvoyConfig } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { fetchText } from '../support/raw-http.ts';
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

  test('starts with the commands of README.md, although its identity provider is out of reach', async () => {
    const opsPort = await freePort();
    const listeners = {
      grpc_address: `unix:${folder.file('check.sock')}`,
      ops_address: `127.0.0.1:${opsPort}`,
      admin_socket: folder.file('admin.sock'),
    };
    const served = folder.file('served.yaml');
    writeFileSync(served, `${block('doorward.yaml')}\n${stringify(listeners)}`);
    expect(block('commands')).toContain('npx doorward serve -c doorward.yaml');
    const program: RunningProgram = startProgram({
      name: 'doorward',
      command: process.execPath,
      args: [join(PROJECT_ROOT, 'dist', 'main.js'), 'serve', '-c', served],
      env,
    });
    try {
      await untilReady('Doorward', program, async () => (await fetchText({ port: opsPort }, '/readyz')).status === 200);
      const { code, stdout } = await runDoorward(['session', 'list', '-c', served], env);
      expect([code, stdout]).toEqual([0, 'no sessions\n']);
    } finally {
      await program.stop();
    }
    expect(program.exitCode()).toBe(0);
  });
});

describe('the Envoy snippets of README.md', () => {
  test('are taken by the real Envoy in the place of those in envoy/minimal.yaml', () => {
    type Named = { readonly name: string };
    type Envoy = {
      static_resources: {
        listeners: { filter_chains: { filters: { typed_config: { http_filters: Named[] } }[] }[] }[];
        clusters: Named[];
      };
    };
    const config = parse(readFileSync(join(PROJECT_ROOT, 'envoy', 'minimal.yaml'), 'utf8')) as Envoy;
    const { static_resources: resources } = config;
    const connectionManager = resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config;
    expect(connectionManager).toBeDefined();
    if (connectionManager === undefined) return;
    const [filter] = parse(block('filter')) as Named[];
    const [cluster] = parse(block('cluster')) as Named[];
    const router = connectionManager.http_filters.filter(({ name }) => name === 'envoy.filters.http.router');
    connectionManager.http_filters = [filter!, ...router];
    resources.clusters = [cluster!, ...resources.clusters.filter(({ name }) => name !== 'doorward')];
    const file = folder.file('envoy.yaml');
    writeFileSync(file, stringify(config));
    const { ok, output } = validateEnvoyConfig(file);
    expect(output).toContain('OK');
    expect(ok).toBe(true);
    expect(JSON.stringify(filter)).toContain('"failure_mode_allow":false');
  });

  test('name the files and documents that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path ?? '');
    expect(links.length).toBeGreaterThan(5);
    for (const path of links) expect(() => readFileSync(join(PROJECT_ROOT, path))).not.toThrow();
  });
});
