/** A change of policy tried out: in the shadow on live traffic, and by replay of the audit of that same traffic. Neither changes an answer. */

import { readFileSync, writeFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { stringify } from 'yaml';

import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { RouteFile, World } from '../support/world.ts';

let world: World;
let bob: WebClient;

const inGroups = (...groups: readonly string[]): object[] => [
  { allow: { or: groups.map((group) => ({ groups: { has: group } })) } },
];

/** In force: everybody of the staff, and a page for all. */
const active = (origin: string): readonly RouteFile[] => [
  { id: 'open', from: origin, prefix: '/open', allow_public_unauthenticated_access: true },
  { id: 'staff', from: origin, policy: inGroups('staff', 'sre') },
];

/** To come: for the SREs only, and no page for all. */
const next = (origin: string): readonly RouteFile[] => [
  { id: 'open', from: origin, prefix: '/open', policy: inGroups('staff') },
  { id: 'staff', from: origin, policy: inGroups('sre') },
];

beforeAll(async () => {
  world = await openWorld({ profile: 'hardened', routes: (origins) => active(origins('app')) });
  bob = world.client();
  await world.login(bob, page('/'), 'bob');
});
afterAll(() => world.close());

const page = (path: string): string => `${world.origins('app')}${path}`;
const status = async (path: string): Promise<number> => (await bob.get(page(path), API)).status;
const metrics = async (): Promise<string> => (await world.doorward.ops('/metrics')).body;

async function inForce(config: object): Promise<void> {
  const generation = async (): Promise<number> =>
    Number(/^doorward_config_generation(?:\{[^}]*\})? (\d+)/m.exec(await metrics())?.[1]);
  const before = await generation();
  world.doorward.writeConfig({ ...config });
  await waitFor('the next generation', async () => ((await generation()) > before ? true : undefined));
}

const counted = async (active_: string, shadow: string): Promise<number> =>
  Number(
    new RegExp(`^doorward_shadow_decisions_total\\{active="${active_}",shadow="${shadow}"\\} (\\d+)`, 'm').exec(
      await metrics(),
    )?.[1] ?? 0,
  );

test('without a shadow nothing is judged beside, and a record has no word of one', async () => {
  expect(await status('/before')).toBe(200);
  const record = await world.doorward.auditOf(({ path }) => path === '/before');
  expect(record).toMatchObject({ v: 2, route: 'staff', facts: { groups: ['staff'] } });
  expect(record.shadow).toBeUndefined();
  expect(await metrics()).not.toContain('doorward_shadow_decisions_total{');
});

test('a shadow route that would deny does not: it is counted, logged and in the audit', async () => {
  const [, staff] = next(world.origins('app'));
  await inForce({
    ...world.config,
    routes: [...active(world.origins('app')), { ...staff, id: 'staff-next', mode: 'shadow' }],
  });
  expect(await status('/shadow-route')).toBe(200);
  expect(await status('/open/shadow-route')).toBe(200);
  const record = await world.doorward.auditOf(({ path }) => path === '/shadow-route');
  expect(record).toMatchObject({
    decision: 'allow',
    route: 'staff',
    shadow: { decision: 'deny', route: 'staff-next', reasons: ['groups-unauthorized'] },
  });
  const same = await world.doorward.auditOf(({ path }) => path === '/open/shadow-route');
  expect(same.shadow).toBeUndefined();
  expect(await counted('allow', 'deny')).toBe(1);
  expect(await counted('allow', 'allow')).toBe(1);
  await waitFor('the line in the log', () =>
    world.doorward.output().includes('a shadow would decide differently') ? true : undefined,
  );
});

test('a shadow file is judged beside, is refused as the active one, and replay finds the same differences', async () => {
  const nextFile = world.folder.file('next.yaml');
  const nextConfig = { ...world.config, mode: 'shadow', routes: next(world.origins('app')) };
  writeFileSync(nextFile, stringify(nextConfig));
  await inForce({ ...world.config, shadow_file: 'next.yaml' });

  const stranger = world.client();
  const paths = ['/file/a', '/file/b'];
  for (const path of paths) expect(await status(path)).toBe(200);
  expect((await stranger.get(page('/open/file'), API)).status).toBe(200);
  expect((await stranger.get(page('/file/stranger'), API)).status).toBe(401);
  await world.doorward.auditOf(({ path }) => path === '/file/stranger');
  const records = world.doorward.audit().filter(({ path }) => path.includes('/file'));
  expect(records.map(({ path, decision, shadow }) => [path, decision, shadow?.decision])).toEqual([
    ['/file/a', 'allow', 'deny'],
    ['/file/b', 'allow', 'deny'],
    ['/open/file', 'allow', 'login'],
    ['/file/stranger', 'deny', undefined],
  ]);

  const auditFile = world.folder.file('of-the-shadow.jsonl');
  const lines = readFileSync(world.doorward.auditFile, 'utf8').split('\n');
  writeFileSync(auditFile, lines.filter((line) => line.includes('/file')).join('\n'));
  const replayed = await world.doorward.command(['replay', '--audit', auditFile, '-c', nextFile, '--output', 'json']);
  expect([replayed.code, replayed.stderr]).toEqual([1, '']);
  const report = JSON.parse(replayed.stdout) as {
    readonly requests: readonly { readonly path: string; readonly is: { readonly decision: string } }[];
    readonly counts: object;
  };
  expect(report.requests.map(({ path, is }) => [path, is.decision])).toEqual(
    records.flatMap(({ path, shadow }) => (shadow === undefined ? [] : [[path, shadow.decision]])),
  );
  expect(report.counts).toMatchObject({ changed: 3, same: 1, undecided: 0, malformed: 0 });

  const unchanged = await world.doorward.command([
    'replay',
    '-a',
    world.doorward.auditFile,
    '-c',
    world.doorward.configFile,
  ]);
  expect(unchanged.stdout).toMatch(/^0 changed, \d+ the same, 0 undecided/m);
  expect(unchanged.code).toBe(0);

  const refused = await world.doorward.command(['check', '-c', nextFile]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('this file is a shadow');
});

test('replay says 2 where it cannot be done', async () => {
  const { code, stderr } = await world.doorward.command(['replay', '-a', '/nowhere', '-c', world.doorward.configFile]);
  expect([code, stderr.includes('cannot be read')]).toEqual([2, true]);
  expect((await world.doorward.command(['replay', '-c', world.doorward.configFile])).code).toBe(2);
});

test('a shadow file with an error is refused whole, at its own line, and what was in force stays', async () => {
  writeFileSync(
    world.folder.file('next.yaml'),
    stringify({
      ...world.config,
      mode: 'shadow',
      routes: [{ from: world.origins('app'), policy: [{ allow: { or: [{ nobody: 1 }] } }] }],
    }),
  );
  await waitFor('the refusal', () =>
    world.doorward.output().includes('there is no criterion `nobody`') ? true : undefined,
  );
  expect(world.doorward.output()).toMatch(/next\.yaml:\d+:\d+/);
  expect(await status('/still')).toBe(200);
});
