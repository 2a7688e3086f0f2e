/** ServerConfig from a file whose form is sound. */

import { availableParallelism } from 'node:os';
import type { TreePath } from '../../core/problem.ts';
import { isOfThisMachine, type ListenAddress } from '../../core/listen-address.ts';
import { buildAdmin } from './build-admin.ts';
import { buildRedis } from './build-redis.ts';
import { defaults } from './defaults.ts';
import type { Environment } from './interpolate.ts';
import { parseListenAddress, parseSocketPath } from './listen-address.ts';
import { checkCertificates, checkKeyPair } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { SecretContext } from './secrets.ts';
import type { ServerConfig } from './server-config.ts';
import { listOfTexts } from './texts.ts';

type Context = SecretContext & { readonly environment: Environment; readonly processors?: number };

export async function buildServer(file: ConfigFile, context: Context): Promise<ServerConfig> {
  const grpcAddress = addressOf(file, 'grpc_address', context);
  const opsAddress = addressOf(file, 'ops_address', context);
  if (sameAddress(grpcAddress, opsAddress))
    context.problems.error(['ops_address'], '`ops_address` must not be the address of the Check listener');
  const adminPath = adminSocket(file, context);
  if ([grpcAddress, opsAddress].some((address) => address.kind === 'unix' && address.path === adminPath))
    context.problems.error(['admin_socket'], '`admin_socket` must be a socket of its own');
  const admin = await buildAdmin(file, context);
  const { admin_address: adminAddress } = admin;
  if (adminAddress !== undefined && [grpcAddress, opsAddress].some((address) => sameAddress(address, adminAddress)))
    context.problems.error(['admin_address'], '`admin_address` must be an address of its own');
  checkExposure(file, grpcAddress, context);
  const store = storeOf(file, context);
  return {
    grpc_address: grpcAddress,
    grpc_tls: await grpcTls(file, context),
    grpc_insecure: file.grpc_insecure ?? false,
    ops_address: opsAddress,
    admin_socket: adminPath,
    ...admin,
    session_store: store,
    redis: file.redis === undefined ? undefined : await buildRedis(file.redis, context),
    workers: workersOf(file, store, context),
    log_level: file.log_level ?? defaults.log_level,
    checks_in_flight_max: file.checks_in_flight_max ?? defaults.checks_in_flight_max,
    audit: { destination: auditDestination(file, context) },
  };
}

function addressOf(file: ConfigFile, key: 'grpc_address' | 'ops_address', { problems }: Context): ListenAddress {
  const parsed = parseListenAddress(file[key] ?? defaults[key]);
  if (parsed.ok) return parsed.value;
  problems.error([key], `\`${key}\` ${parsed.error}`);
  return { kind: 'unix', path: `/${key}` };
}

function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix') return b.kind === 'unix' && a.path === b.path;
  if (b.kind === 'unix') return false;
  const isEverywhere = [a.host, b.host].some((host) => host === '::' || host === '0.0.0.0');
  return a.port === b.port && a.port !== 0 && (a.host === b.host || isEverywhere);
}

/** SECURITY: whoever can send a Check can claim to be any peer and get a signed identity, so the listener opens to others knowingly only. */
function checkExposure(file: ConfigFile, address: ListenAddress, { problems }: Context): void {
  if (file.grpc_tls !== undefined && file.grpc_insecure === true)
    problems.error(['grpc_insecure'], '`grpc_insecure` contradicts `grpc_tls`: which one is meant?');
  if (isOfThisMachine(address) || file.grpc_insecure === true || file.grpc_tls !== undefined) return;
  if (problems.isTouched(['grpc_tls']) || problems.isTouched(['grpc_insecure'])) return;
  problems.error(
    ['grpc_address'],
    '`grpc_address` can be reached by others: it needs `grpc_tls`, or `grpc_insecure: true` inside a mesh that encrypts and a network policy',
  );
}

async function grpcTls(file: ConfigFile, context: Context): Promise<ServerConfig['grpc_tls']> {
  const tls = file.grpc_tls;
  if (tls === undefined) return undefined;
  const at: TreePath = ['grpc_tls'];
  await checkKeyPair(
    {
      certificate: { path: [...at, 'certificate_file'], file: tls.certificate_file },
      key: { path: [...at, 'key_file'], file: tls.key_file },
    },
    context,
  );
  await checkCertificates({ path: [...at, 'client_ca_file'], file: tls.client_ca_file }, context);
  const spiffeIds = listOfTexts(tls.spiffe_ids);
  for (const [index, id] of spiffeIds.entries())
    if (!/^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(id))
      context.problems.error(
        [...at, 'spiffe_ids', ...(typeof tls.spiffe_ids === 'string' ? [] : [index])],
        '`spiffe_ids` must be SPIFFE IDs such as spiffe://cluster.local/ns/edge/sa/envoy',
      );
  return {
    certificate_file: context.files.resolve(tls.certificate_file),
    key_file: context.files.resolve(tls.key_file),
    client_ca_file: context.files.resolve(tls.client_ca_file),
    spiffe_ids: spiffeIds,
  };
}

function adminSocket(file: ConfigFile, { problems, environment }: Context): string | undefined {
  if (file.admin_socket === 'off') return undefined;
  const written = file.admin_socket ?? `${environment['XDG_RUNTIME_DIR'] ?? '/run'}/doorward/admin.sock`;
  const parsed = parseSocketPath(written.replace(/^unix:/, ''));
  if (!parsed.ok) problems.error(['admin_socket'], `\`admin_socket\` ${parsed.error}`);
  return parsed.ok && parsed.value.kind === 'unix' ? parsed.value.path : undefined;
}

function storeOf(file: ConfigFile, { problems }: Context): ServerConfig['session_store'] {
  const store = file.session_store ?? (file.redis === undefined ? defaults.session_store : 'redis');
  if (store === 'redis' && file.redis === undefined)
    problems.missing(['redis'], '`session_store: redis` needs `redis`, which says where it is');
  if (store === 'memory' && file.redis !== undefined)
    problems.error(['session_store'], '`session_store: memory` contradicts `redis`: which one is meant?');
  return store;
}

function workersOf(file: ConfigFile, store: ServerConfig['session_store'], { problems, processors }: Context): number {
  const written = file.workers ?? defaults.workers;
  if (written === 'auto') return store === 'memory' ? 1 : (processors ?? availableParallelism());
  if (written > 1 && store === 'memory' && !problems.isTouched(['session_store']) && !problems.isTouched(['redis']))
    problems.error(['workers'], '`workers` above 1 needs Redis: the memory store lives in one process');
  return written;
}

function auditDestination(file: ConfigFile, { files }: Context): string {
  const destination = file.audit?.destination ?? defaults.audit_destination;
  return destination === 'stdout' || destination === 'stderr' ? destination : files.resolve(destination);
}
