/** Client certificates through the real Envoy: it asks for one and passes on what it gets; Doorward judges it for each request. */

import { writeFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createCertificateAuthority, createRevocableAuthority } from '../support/certificates.ts';
import type { Certificate, RevocableAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { linesOf } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const folder = temporaryFolder();
const authority: RevocableAuthority = createRevocableAuthority(folder, 'clients');
const other = createCertificateAuthority(folder, 'others');
const names = ['email:alice@example.com', 'DNS:alice.example.com'];

const certificates: Readonly<Record<string, Certificate | undefined>> = {
  none: undefined,
  valid: authority.issue('alice', names),
  expired: authority.issue('expired', names, { isExpired: true }),
  'of another authority': other.issue('mallory', names),
  revoked: authority.issue('revoked', names),
  'of another name': authority.issue('bob', ['email:bob@elsewhere.example']),
};
const crlFile = folder.file('clients.crl');

let world: World;
beforeAll(async () => {
  const revoked = certificates['revoked'];
  if (revoked === undefined) throw new Error('not made');
  authority.writeRevocationList(crlFile, [revoked]);
  world = await openWorld({
    profile: 'hardened',
    envoy: { clientCertificates: true },
    routes: (origins) => [
      { from: origins('app'), id: 'public', prefix: '/public/', allow_public_unauthenticated_access: true },
      {
        from: origins('app'),
        id: 'fingerprint',
        prefix: '/header/',
        allow_public_unauthenticated_access: true,
        set_request_headers: { 'x-client': '${doorward.client_cert_san_email}' },
      },
      { from: origins('app'), id: 'users', prefix: '/', allow_any_authenticated_user: true },
      {
        from: origins('other'),
        id: 'others',
        allow_public_unauthenticated_access: true,
        tls_downstream_client_ca_file: other.certFile,
      },
    ],
    config: () => ({ downstream_mtls: mtls('policy_with_default_deny') }),
  });
});
afterAll(async () => {
  await world.close();
  folder.remove();
});

const mtls = (enforcement: string): object => ({
  ca_file: authority.certFile,
  crl_file: crlFile,
  enforcement,
  match_subject_alt_names: [{ email: '.*@example[.]com' }],
});

async function status(name: string, path = '/public/x', host: 'app' | 'other' = 'app'): Promise<number> {
  const certificate = certificates[name];
  const client = world.client(certificate === undefined ? {} : { certificate });
  return (await client.get(`${world.origins(host)}${path}`, API)).status;
}

const generation = async (): Promise<number> =>
  Number(/^doorward_config_generation(?:\{[^}]*\})? (\d+)/m.exec((await world.doorward.ops('/metrics')).body)?.[1]);

async function changing(change: () => void): Promise<void> {
  const before = await generation();
  change();
  await waitFor('the next generation', async () => ((await generation()) > before ? true : undefined));
}

describe('policy_with_default_deny', () => {
  test.each([
    ['valid', 200],
    ['none', 495],
    ['expired', 495],
    ['of another authority', 495],
    ['revoked', 495],
    ['of another name', 495],
  ])('a certificate that is: %s, on a public route: %i', async (name, expected) => {
    expect(await status(name)).toBe(expected);
  });

  test('a route with authorities of its own takes theirs, and not those of the others', async () => {
    expect(await status('of another authority', '/', 'other')).toBe(200);
    expect(await status('valid', '/', 'other')).toBe(495);
  });

  test('a valid certificate is no login, and without one nobody is sent to the login', async () => {
    expect(await status('valid', '/x')).toBe(401);
    expect(await status('none', '/x')).toBe(495);
    const { status: page } = await world.client().get(`${world.origins('app')}/x`);
    expect(page).toBe(495);
  });

  test('the upstream may be told of a valid one', async () => {
    expect(await status('valid', '/header/x')).toBe(200);
    expect(linesOf(world.lastReceived(), 'x-client')).toEqual(['alice@example.com']);
  });
});

test('what is revoked while Doorward runs is refused as soon as the list is read', async () => {
  const { valid, revoked } = certificates;
  if (valid === undefined || revoked === undefined) throw new Error('not made');
  expect(await status('valid')).toBe(200);
  await changing(() => authority.writeRevocationList(crlFile, [revoked, valid]));
  expect(await status('valid')).toBe(495);
  await changing(() => authority.writeRevocationList(crlFile, [revoked]));
  expect(await status('valid')).toBe(200);
});

test('a list that cannot be read changes nothing', async () => {
  const before = await generation();
  writeFileSync(crlFile, 'nothing');
  await waitFor('the refusal', () =>
    world.doorward.output().includes('the new configuration was refused') ? true : undefined,
  );
  expect(await generation()).toBe(before);
  expect(await status('revoked')).toBe(495);
  expect(await status('valid')).toBe(200);
  const { revoked } = certificates;
  authority.writeRevocationList(crlFile, revoked === undefined ? [] : [revoked]);
});

test('reject_connection answers nothing without a valid certificate; policy leaves it to the policies', async () => {
  const ownPath = '/.well-known/doorward/jwks.json';
  expect(await status('none', ownPath)).toBe(200);
  await changing(() => world.doorward.writeConfig({ ...world.config, downstream_mtls: mtls('reject_connection') }));
  expect(await status('none', ownPath)).toBe(495);
  expect(await status('revoked', ownPath)).toBe(495);
  expect(await status('valid', ownPath)).toBe(200);
  expect(await status('none')).toBe(495);
  await changing(() => world.doorward.writeConfig({ ...world.config, downstream_mtls: mtls('policy') }));
  expect(await status('none')).toBe(200);
  expect(await status('none', ownPath)).toBe(200);
  expect(await status('revoked', '/header/x')).toBe(200);
  expect(linesOf(world.lastReceived(), 'x-client')).toEqual(['']);
});
