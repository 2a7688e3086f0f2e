/** Time, change windows, headers, parameters and expressions decide through the real Envoy, by the clock of now. */

import { writeFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { runDoorward } from '../support/doorward.ts';
import { API } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const started = Date.now();
/** `2026-11-25T14:30:00.000Z`, so many hours from now. */
const instant = (hours: number): string => new Date(started + hours * HOUR_MS).toISOString();
/** The same as a time of day in UTC: `14:30`. */
const timeOfDay = (hours: number): string => instant(hours).slice(11, 16);

const openNow = { timezone: 'UTC', from: instant(-1), until: instant(3) };

/** By the first segment of the path. */
const criteria = {
  deploy: [
    { change_window: 'deploys' },
    { time_of_day: { after: timeOfDay(-1), before: timeOfDay(3), timezone: 'UTC' } },
    { 'header/x-pipeline': 'ci' },
    { http_query: { env: { in: ['test', 'staging'] } } },
    { 'label/environment': 'test' },
    { cel: 'request.method == "POST" && request.path.matches("^/deploy/[a-z]+$")' },
  ],
  frozen: [{ change_window: 'frozen' }],
  later: [{ time_of_day: { after: timeOfDay(5), before: timeOfDay(6), timezone: 'UTC' } }],
  team: [{ cel: '"sre" in subject.groups' }],
};

let world: World;
beforeAll(async () => {
  world = await openWorld({
    profile: 'hardened',
    config: () => ({
      change_windows: {
        deploys: openNow,
        frozen: { ...openNow, freezes: [{ from: instant(-1), until: instant(3) }] },
      },
    }),
    routes: (origins) =>
      Object.entries(criteria).map(([id, and]) => ({
        from: origins('app'),
        id,
        prefix: `/${id}/`,
        labels: { environment: 'test' },
        policy: [{ allow: { and } }],
      })),
  });
});
afterAll(() => world.close());

const deploy = async (changes: { method?: string; path?: string; lines?: readonly string[] } = {}): Promise<number> => {
  const given = { method: 'POST', path: '/deploy/shop?env=test', lines: ['x-pipeline: ci'], ...changes };
  return (await world.ask(given)).status;
};

test('a request for which every condition holds is allowed', async () => {
  expect(await deploy()).toBe(200);
});

test.each([
  ['another header', { lines: ['x-pipeline: laptop'] }],
  ['no header', { lines: [] }],
  ['the header twice', { lines: ['x-pipeline: ci', 'x-pipeline: ci'] }],
  ['another parameter', { path: '/deploy/shop?env=prod' }],
  ['the parameter twice', { path: '/deploy/shop?env=test&env=prod' }],
  ['another method', { method: 'PUT' }],
  ['a path that the expression does not match', { path: '/deploy/shop1?env=test' }],
])('one with %s is refused', async (_name, changes) => {
  expect(await deploy(changes)).toBe(403);
});

test('in a freeze, and at another time of day, it is refused', async () => {
  for (const path of ['/frozen/x', '/later/x']) expect((await world.ask({ path })).status).toBe(403);
  const record = await world.doorward.auditOf(({ path }) => path === '/frozen/x');
  expect(record).toMatchObject({ status: 403, allow_reasons: ['change-window-closed'] });
});

test('an expression about who asks leads to a login, and judges who has signed in', async () => {
  const url = `${world.origins('app')}/team/x`;
  expect((await world.client().get(url, API)).status).toBe(401);
  const [alice, bob] = [world.client(), world.client()];
  await world.login(alice, url, 'alice');
  await world.login(bob, url, 'bob');
  expect((await alice.get(url, API)).status).toBe(200);
  expect((await bob.get(url, API)).status).toBe(403);
});

test('`doorward check` tells a bad window, and a bad name of one, with line and column', async () => {
  const file = world.folder.file('bad-windows.yaml');
  writeFileSync(
    file,
    [
      'change_windows:',
      '  deploys: { timezone: Europe/Berln }',
      '  nights: { timezone: UTC, days: mon-thu, hours: { after: "22:00", before: "10 PM" } }',
      'routes:',
      '  - from: https://app.example.com',
      '    policy:',
      '      - allow:',
      '          and:',
      '            - change_window: deploy',
      '            - cel: request.path',
      '',
    ].join('\n'),
  );
  const { code, stdout } = await runDoorward(['check', '-c', file]);
  expect(code).toBe(1);
  expect(stdout).toContain(`${file}:2:24: error: \`Europe/Berln\` is no time zone`);
  expect(stdout).toContain(`${file}:3:50: error: \`after\` and \`before\` leave no time between them`);
  expect(stdout).toContain(
    `${file}:9:30: error: \`change_windows\` has no window \`deploy\`; did you mean \`deploys\`?`,
  );
  expect(stdout).toContain(`${file}:10:20: error: the expression gives string, and must give bool`);
});
