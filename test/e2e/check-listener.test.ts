/** Whoever can ask Doorward can claim to be any peer: so only who shows the right certificate is answered, and others cannot be let in by mistake. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { stringify } from 'yaml';
import { writeFileSync } from 'node:fs';

import { createCertificateAuthority } from '../support/certificates.ts';
import type { CertificateAuthority } from '../support/certificates.ts';
import { newSecret, runDoorward, startDoorward } from '../support/doorward.ts';
import type { RunningDoorward } from '../support/doorward.ts';
import { startEnvoy } from '../support/envoy.ts';
import type { EnvoySettings } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startUpstream } from '../support/upstream.ts';
import type { Upstream } from '../support/upstream.ts';

const CONFIG = {
  routes: [{ from: 'http://app.localhost', prefix: '/', allow_public_unauthenticated_access: true }],
  cookie_secret: newSecret(),
  shared_secret: newSecret(),
  workers: 1,
};

const folder = temporaryFolder();
let upstream: Upstream;
let ours: CertificateAuthority;
beforeAll(async () => {
  upstream = await startUpstream();
  ours = createCertificateAuthority(folder, 'ours');
});
afterAll(async () => {
  await upstream.stop();
  folder.remove();
});

describe('with grpc_tls', () => {
  let doorward: RunningDoorward;
  let address = '';
  beforeAll(async () => {
    address = `127.0.0.1:${await freePort()}`;
    const server = ours.issue('doorward', ['DNS:doorward', 'IP:127.0.0.1']);
    doorward = await startDoorward({
      folder,
      address,
      config: {
        ...CONFIG,
        grpc_tls: {
          certificate_file: server.certFile,
          key_file: server.keyFile,
          client_ca_file: ours.certFile,
          spiffe_ids: ['spiffe://mesh.test/ns/edge/sa/envoy'],
        },
      },
    });
  });
  afterAll(() => doorward.stop());

  const throughEnvoy = async (doorwardTls: EnvoySettings['doorwardTls']): Promise<number> => {
    const settings = { profile: 'minimal', folder, port: 0, doorward: address, upstreamPort: upstream.port } as const;
    const envoy = await startEnvoy({
      ...settings,
      hosts: [],
      ...(doorwardTls === undefined ? {} : { doorwardTls }),
    });
    try {
      const response = await sendRaw({ port: envoy.port }, rawRequest({ host: 'app.localhost', path: '/x' }));
      return response.status;
    } finally {
      await envoy.stop();
    }
  };

  test('an Envoy with the right certificate is answered', async () => {
    const certificate = ours.issue('envoy', ['URI:spiffe://mesh.test/ns/edge/sa/envoy']);
    expect(await throughEnvoy({ ca: ours.certFile, certificate, name: 'doorward' })).toBe(200);
  });

  test.each([
    ['no certificate', () => undefined],
    [
      'a certificate of another authority',
      () => createCertificateAuthority(folder, 'theirs').issue('rogue', ['URI:spiffe://mesh.test/ns/edge/sa/envoy']),
    ],
    ['a certificate of another name', () => ours.issue('other', ['URI:spiffe://mesh.test/ns/shop/sa/web'])],
    ['a certificate without a name', () => ours.issue('nameless', ['DNS:envoy'])],
  ])('a caller with %s is refused', async (_name, certificate) => {
    const before = upstream.received().length;
    expect(await throughEnvoy({ ca: ours.certFile, certificate: certificate(), name: 'doorward' })).toBe(503);
    expect(upstream.received()).toHaveLength(before);
  });

  test('a caller without TLS is refused', async () => {
    expect(await throughEnvoy(undefined)).toBe(503);
  });
});

describe('the address of the Check listener', () => {
  const check = async (config: object) => {
    const file = folder.file('listener.yaml');
    writeFileSync(file, stringify({ ...CONFIG, ...config }));
    return runDoorward(['check', '-c', file]);
  };

  test.each(['0.0.0.0:50051', '[::]:50051', '10.0.0.1:50051'])('%s is refused without TLS', async (grpc_address) => {
    const { code, stdout, stderr } = await check({ grpc_address });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/grpc_tls/);
  });

  test.each(['127.0.0.1:50051', '[::1]:50051', 'unix:/run/doorward/check.sock'])(
    '%s is accepted as it is',
    async (grpc_address) => {
      expect(await check({ grpc_address })).toMatchObject({ code: 0 });
    },
  );

  test('another address is accepted where the operator says that it is safe', async () => {
    expect(await check({ grpc_address: '0.0.0.0:50051', grpc_insecure: true })).toMatchObject({ code: 0 });
  });
});
