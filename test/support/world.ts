/**
 * Everything that a request meets, all of it real: Envoy, Doorward, an OpenID provider, an upstream, and Redis where it is wanted. One
 * per test file, since it takes seconds to come up.
 */

import { createCertificateAuthority } from './certificates.ts';
import type { Certificate, CertificateAuthority } from './certificates.ts';
import { newSecret, startDoorward } from './doorward.ts';
import type { ConfigFile, RunningDoorward } from './doorward.ts';
import { startEnvoy } from './envoy.ts';
import type { Address, EnvoyProfile, EnvoySettings, RunningEnvoy } from './envoy.ts';
import { startOidcProvider } from './oidc-provider.ts';
import type { RunningOidcProvider } from './oidc-provider.ts';
import { freePort } from './ports.ts';
import { rawRequest, sendRaw } from './raw-http.ts';
import type { RawRequest, RawResponse, Target } from './raw-http.ts';
import { temporaryFolder } from './temporary-folder.ts';
import type { TemporaryFolder } from './temporary-folder.ts';
import { startUpstream } from './upstream.ts';
import type { Received, Upstream } from './upstream.ts';
import { WebClient } from './web-client.ts';
import type { SendOptions, WebResponse } from './web-client.ts';

export type Scheme = 'https' | 'http';
export type HostName = 'app' | 'other' | 'auth' | 'unknown';

/** `https://app.doorward.test:21000`; on plain http the names are loopback names, for which Doorward allows it. */
export type Origins = (host: HostName) => string;

export type RouteFile = { readonly from: string; readonly [key: string]: unknown };

export type WorldSettings = {
  readonly profile: EnvoyProfile;
  readonly scheme?: Scheme;
  readonly routes: (origins: Origins) => readonly RouteFile[];
  /** More of doorward.yaml; wins over what is here. */
  readonly config?: (world: { readonly origins: Origins; readonly issuer: string }) => ConfigFile;
  /** Where Envoy asks Doorward; default a unix socket. */
  readonly address?: 'unix' | 'loopback';
  readonly envoy?: Partial<
    Pick<EnvoySettings, 'upstreamHttp2' | 'upstreamPort' | 'clientCertificates' | 'doorwardTls' | 'moreDoorwards'>
  >;
  /** Whether the provider runs from the beginning; default true. */
  readonly startProvider?: boolean;
  /** Whether the provider tells Doorward, at `app`, of logouts there. */
  readonly backchannelLogout?: boolean;
  /** How long access tokens of the provider live. */
  readonly accessTokenSeconds?: number;
};

export type World = {
  readonly folder: TemporaryFolder;
  readonly ca: CertificateAuthority;
  readonly scheme: Scheme;
  readonly origins: Origins;
  readonly issuer: string;
  readonly envoy: RunningEnvoy;
  readonly doorward: RunningDoorward;
  readonly upstream: Upstream;
  /** The whole of doorward.yaml, for changes to it. */
  readonly config: ConfigFile;
  /** The name in Host, port included. */
  authority(host: HostName): string;
  /** The provider that runs. */
  provider(): RunningOidcProvider;
  startProvider(): Promise<void>;
  stopProvider(): Promise<void>;
  client(options?: { readonly certificate?: Certificate }): WebClient;
  /** Exactly these bytes, on a connection of their own. */
  raw(host: HostName, bytes: string | Buffer): Promise<RawResponse>;
  /** A request in its usual form; `host` defaults to the authority of `app`. */
  ask(request: Partial<RawRequest>): Promise<RawResponse>;
  /** Goes to a page and signs in as `user` where the provider asks. */
  login(client: WebClient, url: string, user: UserName): Promise<WebResponse>;
  /** What the upstream received for the last request; it is JSON on allowed API answers too. */
  lastReceived(): Received;
  close(): Promise<void>;
};

/** Of the provider's own users; tests may add more. */
export type UserName = 'alice' | 'bob' | 'carol' | (string & {});

const HOSTS: readonly HostName[] = ['app', 'other', 'auth'];
/** The client that the provider of the tests knows. */
export const CLIENT_ID = 'doorward';
export const CLIENT_SECRET = 'the-client-secret-of-the-tests';

/** An entry of `idps` for a provider of the tests. It is on loopback. */
export const idpOf = (issuer: string): ConfigFile => ({
  url: issuer,
  insecure_http: true,
  client_id: CLIENT_ID,
  client_secret: CLIENT_SECRET,
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
});

const domainOf = (scheme: Scheme): string => (scheme === 'https' ? 'doorward.test' : 'localhost');

export async function openWorld(settings: WorldSettings): Promise<World> {
  const scheme = settings.scheme ?? 'https';
  const folder = temporaryFolder();
  const closers: (() => Promise<void> | void)[] = [() => folder.remove()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const ca = createCertificateAuthority(folder);
    const port = await freePort();
    const hostOf = (host: HostName): string => `${host}.${domainOf(scheme)}`;
    const authority = (host: HostName): string => `${hostOf(host)}:${port}`;
    const origins: Origins = (host) => `${scheme}://${authority(host)}`;

    const upstream = await startUpstream();
    closers.push(() => upstream.stop());

    const providerPort = await freePort();
    const issuer = `http://127.0.0.1:${providerPort}`;
    let provider: RunningOidcProvider | undefined;
    const startProvider = async (): Promise<void> => {
      provider ??= await startOidcProvider({
        port: providerPort,
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
        origins: HOSTS.map(origins),
        ...(settings.accessTokenSeconds === undefined ? {} : { accessTokenSeconds: settings.accessTokenSeconds }),
        ...(settings.backchannelLogout === true ? { logout: { origin: origins('app'), ca: ca.cert } } : {}),
      });
    };
    const stopProvider = async (): Promise<void> => {
      await provider?.stop();
      provider = undefined;
    };
    closers.push(stopProvider);
    if (settings.startProvider !== false) await startProvider();

    const address: Address =
      settings.address === 'loopback' ? `127.0.0.1:${await freePort()}` : `unix:${folder.file('check.sock')}`;
    const config: ConfigFile = {
      routes: settings.routes(origins),
      idps: { default: idpOf(issuer) },
      cookie_secret: newSecret(),
      shared_secret: newSecret(),
      pass_identity_headers: true,
      jwt_claims_headers: { 'X-Email': 'email', 'X-Groups': 'groups' },
      workers: 1,
      ...settings.config?.({ origins, issuer }),
    };
    const doorward = await startDoorward({ folder, address, config });
    closers.push(() => doorward.stop());

    const names = HOSTS.map((host) => `DNS:${hostOf(host)}`);
    const envoy = await startEnvoy({
      profile: settings.profile,
      folder,
      port,
      doorward: address,
      upstreamPort: settings.envoy?.upstreamHttp2 === true ? upstream.http2Port : upstream.port,
      hosts: HOSTS.filter((host) => host !== 'auth').map(hostOf),
      ...(scheme === 'https' ? { tls: ca.issue('edge', [...names, `DNS:${hostOf('unknown')}`]) } : {}),
      ...settings.envoy,
    });
    closers.push(() => envoy.stop());

    const target = (host: HostName): Target =>
      scheme === 'https' ? { port, tls: { ca: ca.cert, servername: hostOf(host) } } : { port };
    const client = (options: { readonly certificate?: Certificate } = {}): WebClient =>
      new WebClient({ ca: ca.cert, ...options });

    return {
      folder,
      ca,
      scheme,
      origins,
      issuer,
      envoy,
      doorward,
      upstream,
      config,
      authority,
      provider: () => {
        if (provider === undefined) throw new Error('the provider does not run');
        return provider;
      },
      startProvider,
      stopProvider,
      client,
      raw: (host, bytes) => sendRaw(target(host), bytes),
      ask: (request) => sendRaw(target('app'), rawRequest({ host: authority('app'), ...request })),
      login: (visitor, url, user) => signIn(visitor, url, user, issuer),
      lastReceived: () => {
        const last = upstream.received().at(-1);
        if (last === undefined) throw new Error('the upstream received nothing yet');
        return last;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The provider may ask for the name, and then for consent; anybody's password is accepted by the provider of the tests. */
const PROVIDER_PAGES_MAX = 3;

async function signIn(client: WebClient, url: string, user: UserName, issuer: string): Promise<WebResponse> {
  let page = await client.visit(url);
  for (let pages = 0; pages < PROVIDER_PAGES_MAX && page.url.startsWith(issuer); pages++) {
    page = await client.submit(page, { login: user, password: 'any' });
  }
  return page;
}

/** Waits until Doorward and Envoy both let a request through to a decision, after a start of one of them. */
export const isOutage = (response: { readonly status: number }): boolean => response.status === 503;

export type { SendOptions };
