/** With Doorward away, the real Envoy lets nobody through, whatever the profile. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startEnvoy } from '../support/envoy.ts';
import type { EnvoyProfile, RunningEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startUpstream } from '../support/upstream.ts';
import type { Upstream } from '../support/upstream.ts';

const folder = temporaryFolder();
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(async () => {
  await upstream.stop();
  folder.remove();
});

describe.each([
  ['hardened', 503],
  ['minimal', 503],
  // Envoy's own default for an error is "forbidden".
  ['bare', 403],
  ['istio', 503],
] satisfies [EnvoyProfile, number][])('%s', (profile, expected) => {
  let envoy: RunningEnvoy;
  beforeAll(async () => {
    const doorward = `127.0.0.1:${await freePort()}`;
    envoy = await startEnvoy({ profile, folder, port: 0, doorward, upstreamPort: upstream.port, hosts: ['app.test'] });
  });
  afterAll(() => envoy.stop());

  test(`every request is ${expected} and none reaches the application`, async () => {
    for (const path of ['/', '/public', '/.doorward/user']) {
      const response = await sendRaw({ port: envoy.port }, rawRequest({ host: 'app.test', path }));
      expect(response.status).toBe(expected);
    }
    expect(upstream.received()).toHaveLength(0);
  });
});
