import { writeFileSync } from 'node:fs';

import { afterAll, expect, test } from '@jest/globals';

import { checkedConfig } from '../../src/compose/checked-config.ts';
import { SECRETS } from '../adapters/config/support.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

async function told(yaml: string): Promise<readonly string[]> {
  const configFile = folder.file('doorward.yaml');
  writeFileSync(configFile, `${yaml}\n${SECRETS}`);
  const { problems, routes } = await checkedConfig({ configFile, env: {} });
  return [
    ...problems.map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`),
    `routes: ${routes ?? 'not usable'}`,
  ];
}

test('a header reference that stands for nothing is a warning at its value', async () => {
  const yaml = `routes:
  - from: https://a.example.com
    allow_public_unauthenticated_access: true
    set_request_headers:
      X-User: \${user.email}
      X-Team: team \${claim.team}`;
  expect(await told(yaml)).toEqual([
    '6:15 warning `X-Team`: its reference stands for nothing: known are those below `pomerium.`, `doorward.`, `user.`, `claims.`, and `groups`; write `$$` for a dollar sign',
    'routes: 1',
  ]);
});

test('a wrong authority makes the whole unusable, at its place', async () => {
  const yaml = `routes: [{ from: "https://a.example.com", allow_public_unauthenticated_access: true }]
downstream_mtls:
  ca: bm8=`;
  expect(await told(yaml)).toEqual([
    '3:7 error `ca`: there is no PEM block "CERTIFICATE" in this text',
    'routes: not usable',
  ]);
});
