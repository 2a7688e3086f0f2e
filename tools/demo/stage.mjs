/** The stage of the demo: starts each part on loopback and tells its address. What was started is stopped by `close`, last first. */

import { createServer } from 'node:net';
import { join } from 'node:path';

import { startProgram, untilReady } from '../../test/support/child-process.ts';
import { newSecret, startDoorward } from '../../test/support/doorward.ts';
import { startEnvoy } from '../../test/support/envoy.ts';
import { freePort } from '../../test/support/ports.ts';
import { PROJECT_ROOT } from '../../test/support/project.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { startUpstream } from '../../test/support/upstream.ts';

/** A port that is easy to remember where it is free, else any. */
const preferPort = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(freePort()));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });

/** `/sre/` is for the group that `group` names; the tour changes it. */
const configOf = ({ origin, issuer, client, secrets, group }) => ({
  routes: [
    {
      from: origin,
      id: 'public',
      name: 'Open to everybody',
      prefix: '/public/',
      allow_public_unauthenticated_access: true,
    },
    {
      from: origin,
      id: 'sre',
      name: `For the group ${group}`,
      prefix: '/sre/',
      policy: [{ allow: { and: [{ groups: { has: group } }] } }],
      show_error_details: true,
    },
    { from: origin, id: 'app', name: 'For whoever is signed in', prefix: '/', allow_any_authenticated_user: true },
  ],
  idps: [
    {
      name: 'default',
      url: issuer,
      client_id: client.id,
      client_secret: client.secret,
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      // The provider is on loopback.
      insecure_http: true,
    },
  ],
  cookie_secret: secrets.cookie,
  shared_secret: secrets.shared,
  pass_identity_headers: true,
  jwt_claims_headers: { 'X-Email': 'email', 'X-Groups': 'groups' },
  workers: 1,
});

/** The provider runs as a program of its own, as in life. */
const startProvider = async (closers, options) => {
  const program = startProgram({
    name: 'provider',
    command: process.execPath,
    args: [join(PROJECT_ROOT, 'tools', 'demo', 'oidc-provider.mjs'), JSON.stringify(options)],
  });
  closers.push(() => program.stop());
  const issuer = () => /^\{"issuer":"([^"]+)"\}$/m.exec(program.stdout())?.[1];
  await untilReady('the OpenID provider', program, () => issuer() !== undefined);
  return issuer();
};

export const openStage = async ({ say, isOnce }) => {
  const folder = temporaryFolder();
  const closers = [() => folder.remove()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const port = isOnce ? await freePort() : await preferPort(8080);
    const origin = `http://app.localhost:${port}`;
    const client = { id: 'doorward', secret: 'the-client-secret-of-the-demo' };

    const upstream = await startUpstream();
    closers.push(() => upstream.stop());
    say(`application    http://127.0.0.1:${upstream.port}`);

    const issuer = await startProvider(closers, {
      port: isOnce ? await freePort() : await preferPort(8081),
      clientId: client.id,
      clientSecret: client.secret,
      origins: [origin],
    });
    say(`provider       ${issuer}`);

    const secrets = { cookie: newSecret(), shared: newSecret() };
    const config = (group) => configOf({ origin, issuer, client, secrets, group });
    const doorward = await startDoorward({
      folder,
      address: `unix:${folder.file('check.sock')}`,
      config: config('sre'),
    });
    closers.push(() => doorward.stop());
    say(`Doorward       unix:${folder.file('check.sock')}  health and metrics on http://127.0.0.1:${doorward.opsPort}`);

    const envoy = await startEnvoy({
      profile: 'minimal',
      folder,
      port,
      doorward: doorward.address,
      upstreamPort: upstream.port,
      hosts: [],
    });
    closers.push(() => envoy.stop());
    say(`Envoy          ${origin}  admin on http://127.0.0.1:${envoy.adminPort}`);
    return { origin, issuer, upstream, doorward, envoy, config, close };
  } catch (error) {
    await close();
    throw error;
  }
};
