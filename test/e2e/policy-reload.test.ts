/** The policy file changes while Doorward runs: the next request is judged by the new one, and a broken file changes nothing. */

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { parse, stringify } from 'yaml';

import { sleep, waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

let world: World;
let bob: WebClient;
beforeAll(async () => {
  world = await openWorld({ profile: 'hardened', routes: standardRoutes });
  bob = world.client();
  await world.login(bob, page('/'), 'bob');
});
afterAll(() => world.close());

const page = (path: string): string => `${world.origins('app')}${path}`;
const status = async (path: string): Promise<number> => (await bob.get(page(path), API)).status;

const withGroup = (group: string): object => ({
  ...world.config,
  routes: standardRoutes(world.origins).map((route) =>
    route['id'] === 'sre' ? { ...route, policy: [{ allow: { and: [{ groups: { has: group } }] } }] } : route,
  ),
});

const generation = async (): Promise<number> =>
  Number(/^doorward_config_generation(?:\{[^}]*\})? (\d+)/m.exec((await world.doorward.ops('/metrics')).body)?.[1]);

/** How often a reload was refused so far. */
const refusals = (): number => world.doorward.output().split('the new configuration was refused').length - 1;

/** The log lines from there on. */
const toldSince = (length: number): readonly unknown[] =>
  world.doorward
    .output()
    .slice(length)
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line): unknown => JSON.parse(line));

const untilGeneration = (wanted: number) =>
  waitFor(`generation ${wanted}`, async () => ((await generation()) >= wanted ? true : undefined));

test('a changed policy is in force for the next request, without a restart and without a new login', async () => {
  expect(await status('/sre/x')).toBe(403);
  const before = await generation();
  world.doorward.writeConfig({ ...withGroup('staff') });
  await untilGeneration(before + 1);
  expect(await status('/sre/x')).toBe(200);
  world.doorward.writeConfig({ ...withGroup('sre') });
  await untilGeneration(before + 2);
  expect(await status('/sre/x')).toBe(403);

  const last = await world.doorward.auditOf(({ policy_generation }) => policy_generation === before + 2);
  expect(last).toMatchObject({ path: '/sre/x', status: 403 });
  const records = world.doorward.audit().filter(({ path }) => path === '/sre/x');
  expect(records.map(({ policy_generation }) => policy_generation)).toEqual([before, before + 1, before + 2]);
});

test.each([
  ['is no YAML', () => 'routes: [\n'],
  ['is empty', () => ''],
  ['was cut off while it was written', () => stringify(world.config).slice(0, -200)],
  [
    'multiplies by aliases',
    () =>
      `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from('bcdefgh', (name, index) => `${name}: &${name} [${`*${'abcdefg'[index] ?? ''}, `.repeat(9)}]\n`).join('')}`,
  ],
  ['has an unknown key', () => stringify({ ...world.config, routse: [] })],
  [
    'has an unknown criterion',
    () =>
      stringify({
        ...world.config,
        routes: [{ from: world.origins('app'), policy: [{ allow: { and: [{ nobody_knows: true }] } }] }],
      }),
  ],
])('a file that %s is refused, with its place, and the one before stays', async (_name, text) => {
  const before = await generation();
  const refused = refusals();
  const told = world.doorward.output().length;
  writeFileSync(world.doorward.configFile, text());
  await waitFor('the refusal to be logged', () => (refusals() > refused ? true : undefined));
  expect(toldSince(told)).toContainEqual(
    expect.objectContaining({ level: 'error', at: expect.stringMatching(/doorward\.yaml:\d+:\d+$/) }),
  );
  expect(await generation()).toBe(before);
  expect(await status('/sre/x')).toBe(403);
  expect(await status('/public/x')).toBe(200);
  // A path of its own for each, since the audit of all of them is one file.
  const path = `/sre/after-refusal-${refused}`;
  expect(await status(path)).toBe(403);
  const record = await world.doorward.auditOf((each) => each.path === path);
  expect(record).toMatchObject({ decision: 'deny', policy_generation: before });
  expect(world.doorward.exitCode()).toBeUndefined();
  const metrics = (await world.doorward.ops('/metrics')).body;
  expect(metrics).toMatch(/^doorward_config_last_reload_successful(?:\{[^}]*\})? 0$/m);
});

test('a file that is gone, and there again, is one that changed', async () => {
  const before = await generation();
  const refused = refusals();
  rmSync(world.doorward.configFile);
  await waitFor('the refusal to be logged', () => (refusals() > refused ? true : undefined));
  expect(world.doorward.output()).toContain('the file does not exist');
  expect(await status('/public/x')).toBe(200);
  expect(await generation()).toBe(before);
  world.doorward.writeConfig({ ...withGroup('sre') });
  await untilGeneration(before + 1);
  expect(await status('/sre/x')).toBe(403);
});

test('a file that may not be read any more is refused, and read when it may be again', async () => {
  const before = await generation();
  const refused = refusals();
  chmodSync(world.doorward.configFile, 0o000);
  await waitFor('the refusal to be logged', () => (refusals() > refused ? true : undefined));
  expect(world.doorward.output()).toContain('may not be read by this user');
  expect(await generation()).toBe(before);
  expect(await status('/sre/x')).toBe(403);
  expect(await status('/public/x')).toBe(200);
  chmodSync(world.doorward.configFile, 0o600);
  await untilGeneration(before + 1);
  expect(await status('/public/x')).toBe(200);
});

test('SIGHUP reads the file anew, also when nothing has changed', async () => {
  const before = await generation();
  world.doorward.signal('SIGHUP');
  await untilGeneration(before + 1);
  expect(await status('/sre/x')).toBe(403);
});

test('the swap of ..data, as Kubernetes replaces a ConfigMap, is one change', async () => {
  const { configFile } = world.doorward;
  const volume = join(dirname(configFile), 'volume');
  /** A version in a folder of its own, and `..data` swapped to it by a rename. */
  const publish = (version: string, text: string): void => {
    mkdirSync(join(volume, version), { recursive: true });
    writeFileSync(join(volume, version, 'doorward.yaml'), text);
    symlinkSync(version, join(volume, '..data_tmp'));
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  };
  const written = parse(readFileSync(configFile, 'utf8')) as object;
  const textWith = (group: string): string => stringify({ ...written, ...withGroup(group) });
  let before = await generation();
  publish('..1', textWith('staff'));
  symlinkSync(join('volume', '..data', 'doorward.yaml'), `${configFile}.link`);
  renameSync(`${configFile}.link`, configFile);
  await untilGeneration(before + 1);
  expect(await status('/sre/x')).toBe(200);

  before = await generation();
  publish('..2', textWith('sre'));
  rmSync(join(volume, '..1'), { recursive: true });
  await untilGeneration(before + 1);
  expect(await status('/sre/x')).toBe(403);

  const refused = refusals();
  publish('..3', 'routes: [\n');
  await waitFor('the refusal to be logged', () => (refusals() > refused ? true : undefined));
  expect(await generation()).toBe(before + 1);
  expect(await status('/sre/x')).toBe(403);

  publish('..4', textWith('staff'));
  await untilGeneration(before + 2);
  expect(await status('/sre/x')).toBe(200);
});

test('once a second under requests, each is judged by exactly one version, and none fails', async () => {
  const groupOf = new Map<number, 'sre' | 'staff'>();
  const over = new AbortController();
  const hammer = async (): Promise<void> => {
    while (!over.signal.aborted) seen.push(await status('/sre/hammer'));
  };
  const seen: number[] = [];
  const hammers = [hammer(), hammer(), hammer(), hammer()];
  for (const group of ['sre', 'staff', 'sre', 'staff', 'sre'] as const) {
    const next = (await generation()) + 1;
    groupOf.set(next, group);
    world.doorward.writeConfig({ ...withGroup(group) });
    await untilGeneration(next);
    // In force for whatever comes from now on.
    expect(await status('/sre/next')).toBe(group === 'staff' ? 200 : 403);
    await sleep(700);
  }
  over.abort();
  await Promise.all(hammers);
  expect(new Set(seen)).toEqual(new Set([200, 403]));

  // What the audit says of each: the answer is that of the generation that it names.
  const records = await waitFor('the audit of all', () => {
    const found = world.doorward.audit().filter(({ path }) => path === '/sre/hammer');
    return found.length >= seen.length ? found : undefined;
  });
  expect(records).toHaveLength(seen.length);
  const judged = records.filter(({ policy_generation }) => groupOf.has(policy_generation));
  expect(judged.length).toBeGreaterThan(0);
  for (const { policy_generation: by, decision } of judged)
    expect([by, decision]).toEqual([by, groupOf.get(by) === 'staff' ? 'allow' : 'deny']);
});
