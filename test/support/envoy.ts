/** The real Envoy, with one of these profiles: `hardened`, `streams` and `minimal` are the files that are shipped, `bare` and `istio` are for tests. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseDocument } from 'yaml';
import type { Document } from 'yaml';

import { locate } from '../../tools/components.mjs';
import type { Certificate } from './certificates.ts';
import { startProgram, untilReady } from './child-process.ts';
import { freePort } from './ports.ts';
import { PROJECT_ROOT } from './project.ts';
import { fetchText } from './raw-http.ts';
import type { TemporaryFolder } from './temporary-folder.ts';

export type EnvoyProfile = 'hardened' | 'streams' | 'minimal' | 'bare' | 'istio';

/** `host:port` on loopback, or `unix:/path`: as in doorward.yaml. */
export type Address = string;

export type EnvoySettings = {
  readonly profile: EnvoyProfile;
  readonly folder: TemporaryFolder;
  readonly port: number;
  readonly doorward: Address;
  /** Further processes that Envoy asks in turn. */
  readonly moreDoorwards?: readonly Address[];
  readonly upstreamPort: number;
  /** Keep a connection on which Doorward does not answer, so that what was sent on it still waits there when it goes on. */
  readonly keepSilentConnections?: boolean;
  /** The upstream speaks HTTP/2 (gRPC). */
  readonly upstreamHttp2?: boolean;
  /** Hosts that are forwarded to the upstream; a profile with `*` forwards all. */
  readonly hosts: readonly string[];
  /** What clients see; undefined = plain http. */
  readonly tls?: Certificate;
  /** Ask clients for a certificate, and let Doorward judge it. */
  readonly clientCertificates?: boolean;
  /** Speak TLS to Doorward, with this certificate where there is one. */
  readonly doorwardTls?: { readonly ca: string; readonly certificate: Certificate | undefined; readonly name: string };
};

export type RunningEnvoy = {
  readonly port: number;
  readonly adminPort: number;
  readonly pid: number;
  /** One of Envoy's own counters, e.g. `cluster.doorward.upstream_rq_total`. */
  counter(name: string): Promise<number>;
  output(): string;
  stop(): Promise<void>;
};

const PROFILE_FILES: Readonly<Record<EnvoyProfile, string>> = {
  hardened: 'envoy/edge-hardened.yaml',
  streams: 'envoy/edge-streams.yaml',
  minimal: 'envoy/minimal.yaml',
  bare: 'test/support/envoy-profiles/bare.yaml',
  istio: 'test/support/envoy-profiles/istio.yaml',
};

const TLS_SOCKET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

export const profileFile = (profile: EnvoyProfile): string => join(PROJECT_ROOT, PROFILE_FILES[profile]);

const CHAIN = ['static_resources', 'listeners', 0, 'filter_chains', 0] as const;
const MANAGER = [...CHAIN, 'filters', 0, 'typed_config'] as const;
const HOSTS = [...MANAGER, 'route_config', 'virtual_hosts'] as const;
const TLS_CONTEXT = [...CHAIN, 'transport_socket', 'typed_config'] as const;
const clusterAt = (index: number) => ['static_resources', 'clusters', index] as const;
const endpointsAt = (index: number) =>
  [...clusterAt(index), 'load_assignment', 'endpoints', 0, 'lb_endpoints'] as const;
const endpointAt = (index: number) => [...endpointsAt(index), 0, 'endpoint', 'address'] as const;
/** The clusters of every profile, in this order. */
const DOORWARD = 0;
const APPLICATION = 1;
/** Where streams are held. */
const HOLD = 2;

const socketAddress = (address: string, port: number): object => ({
  socket_address: { address, port_value: port },
});

const toEnvoyAddress = (address: Address): object => {
  if (address.startsWith('unix:')) return { pipe: { path: address.slice('unix:'.length) } };
  const [host = '', port = ''] = address.split(':');
  return socketAddress(host, Number(port));
};

const http2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  },
};

const KEEPALIVE = [
  ...clusterAt(DOORWARD),
  'typed_extension_protocol_options',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'explicit_http_config',
  'http2_protocol_options',
  'connection_keepalive',
] as const;

const set = (config: Document, path: readonly (string | number)[], value: unknown): void => {
  config.setIn(path, config.createNode(value));
};

function setDownstreamTls(config: Document, settings: EnvoySettings): void {
  const { tls } = settings;
  if (tls === undefined) {
    config.deleteIn([...CHAIN, 'transport_socket']);
    return;
  }
  const certificates = [{ certificate_chain: { filename: tls.certFile }, private_key: { filename: tls.keyFile } }];
  if (config.hasIn(TLS_CONTEXT)) {
    set(config, [...TLS_CONTEXT, 'common_tls_context', 'tls_certificates'], certificates);
  } else {
    set(config, [...CHAIN, 'transport_socket'], {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${TLS_SOCKET}.DownstreamTlsContext`,
        require_client_certificate: false,
        common_tls_context: { tls_certificates: certificates },
      },
    });
  }
  if (settings.clientCertificates === true) {
    set(config, [...TLS_CONTEXT, 'common_tls_context', 'validation_context'], {
      trust_chain_verification: 'ACCEPT_UNTRUSTED',
    });
  }
}

function setDoorwardTls(config: Document, { ca, certificate, name }: NonNullable<EnvoySettings['doorwardTls']>): void {
  const own =
    certificate === undefined
      ? {}
      : {
          tls_certificates: [
            { certificate_chain: { filename: certificate.certFile }, private_key: { filename: certificate.keyFile } },
          ],
        };
  set(config, [...clusterAt(DOORWARD), 'transport_socket'], {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS_SOCKET}.UpstreamTlsContext`,
      sni: name,
      common_tls_context: {
        ...own,
        alpn_protocols: ['h2'],
        validation_context: { trusted_ca: { filename: ca } },
      },
    },
  });
}

/** The profile's file with this test's ports, hosts and certificates; nothing that is about safety is touched. */
export function envoyConfig(settings: EnvoySettings): string {
  const config = parseDocument(readFileSync(profileFile(settings.profile), 'utf8'));
  set(config, ['admin', 'address'], socketAddress('127.0.0.1', 0));
  set(config, ['static_resources', 'listeners', 0, 'address'], socketAddress('127.0.0.1', settings.port));
  set(config, endpointAt(DOORWARD), toEnvoyAddress(settings.doorward));
  for (const [index, address] of (settings.moreDoorwards ?? []).entries()) {
    set(config, [...endpointsAt(DOORWARD), index + 1], { endpoint: { address: toEnvoyAddress(address) } });
  }
  set(config, endpointAt(APPLICATION), socketAddress('127.0.0.1', settings.upstreamPort));
  if (settings.upstreamHttp2 === true) {
    set(config, [...clusterAt(APPLICATION), 'typed_extension_protocol_options'], http2);
  }
  if (settings.profile === 'streams') set(config, endpointAt(HOLD), toEnvoyAddress(settings.doorward));
  if (settings.profile === 'hardened' || settings.profile === 'streams') {
    set(
      config,
      [...HOSTS, 0, 'domains'],
      settings.hosts.flatMap((host) => [host, `${host}:*`]),
    );
  }
  if (settings.keepSilentConnections === true) config.deleteIn(KEEPALIVE);
  setDownstreamTls(config, settings);
  if (settings.doorwardTls !== undefined) setDoorwardTls(config, settings.doorwardTls);
  return config.toString();
}

/** What Envoy says of a configuration, without running it. `ok` is its own verdict. */
export function validateEnvoyConfig(file: string): { readonly ok: boolean; readonly output: string } {
  try {
    const args = ['--mode', 'validate', '-c', file, '--log-level', 'warning'];
    const output = execFileSync(locate('envoy'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return { ok: true, output };
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: string; stdout?: string };
    return { ok: false, output: `${stdout ?? ''}${stderr ?? ''}` };
  }
}

async function readCounter(adminPort: number, name: string): Promise<number> {
  const { body } = await fetchText({ port: adminPort }, `/stats?filter=${encodeURIComponent(`^${name}$`)}`);
  const value = /: (\d+)$/m.exec(body)?.[1];
  if (value === undefined) throw new Error(`Envoy has no counter ${name}`);
  return Number(value);
}

export async function startEnvoy(settings: EnvoySettings): Promise<RunningEnvoy> {
  const port = settings.port === 0 ? await freePort() : settings.port;
  const { folder } = settings;
  const configFile = folder.file(`envoy-${port}.yaml`);
  const adminFile = folder.file(`envoy-${port}.admin`);
  writeFileSync(configFile, envoyConfig({ ...settings, port }));
  // One worker thread, and no shared memory with other Envoys of this machine.
  const alone = ['--disable-hot-restart', '--concurrency', '1', '--admin-address-path', adminFile];
  const program = startProgram({
    name: 'envoy',
    command: locate('envoy'),
    args: ['-c', configFile, '--log-level', 'warning', '--drain-time-s', '1', ...alone],
  });
  const adminAddress = (): number => Number(readFileSync(adminFile, 'utf8').trim().split(':').at(-1));
  await untilReady('Envoy', program, async () => {
    const ready = await fetchText({ port: adminAddress() }, '/ready');
    return ready.status === 200;
  });
  return {
    port,
    adminPort: adminAddress(),
    pid: program.pid,
    counter: (name) => readCounter(adminAddress(), name),
    output: () => program.output(),
    stop: () => program.stop(),
  };
}
