/** Where Redis is: by one URL or key by key, by its sentinels, or as a Cluster. */

import { isIP } from 'node:net';
import type { TreePath } from '../../core/problem.ts';
import { defaults } from './defaults.ts';
import { parseDuration } from '../../core/duration.ts';
import { isOfThisMachine } from '../../core/listen-address.ts';
import { checkCertificates, checkKeyPair } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import { readSecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';
import type { RedisConfig, RedisTls, RedisWhereabouts } from './server-config.ts';

type RedisFile = NonNullable<ConfigFile['redis']>;

type Server = Pick<RedisConfig, 'where' | 'database' | 'username' | 'password'> & { readonly isTls: boolean };
type Address = { readonly host: string; readonly port: number };

const at = (...steps: readonly string[]): TreePath => ['redis', ...steps];

/** Undefined (and a problem) when it is not known where Redis is. */
export async function buildRedis(redis: RedisFile, context: SecretContext): Promise<RedisConfig | undefined> {
  const server = await serverOf(redis, context);
  if (redis.url?.startsWith('redis:') === true && redis.tls !== undefined)
    context.problems.error(at('tls'), '`redis.tls` contradicts `redis.url`: write `rediss:` for TLS');
  const tls = await tlsOf(redis.tls ?? (server?.isTls === true ? {} : undefined), at('tls'), context);
  const commandTimeout = milliseconds(redis, 'command_timeout', defaults.redis_command_timeout, context);
  const connectTimeout = milliseconds(redis, 'connect_timeout', defaults.redis_connect_timeout, context);
  if (server === undefined) return undefined;
  const { where, database, username, password } = server;
  warnOf(redis, { where, isTls: tls !== undefined }, context);
  return {
    ...{ where, database, username, password, tls },
    command_timeout_ms: commandTimeout,
    connect_timeout_ms: connectTimeout,
    replicas: redis.replicas ?? defaults.redis_replicas,
    allow_eviction: redis.allow_eviction ?? false,
  };
}

function warnOf(
  redis: RedisFile,
  { where, isTls }: { readonly where: RedisWhereabouts; readonly isTls: boolean },
  { problems }: SecretContext,
): void {
  const nodes = where.kind === 'server' ? [where] : where.nodes;
  const isNear = nodes.every(({ host, port }) => isOfThisMachine({ kind: 'tcp', host, port }));
  const isOpen = !isTls || (where.kind === 'sentinels' && where.tls === undefined);
  const missing = isTls ? '`redis.sentinels.tls`' : '`redis.tls`';
  if (isOpen && !isNear)
    problems.warning(at(), `what passes between Doorward and Redis is not encrypted: ${missing} would do so`);
  if (where.kind !== 'server' && redis.replicas === undefined)
    problems.warning(
      at(where.kind),
      'without `redis.replicas` a revocation waits for the replicas that are connected only: one that is cut off and promoted later would not have it',
    );
}

async function serverOf(redis: RedisFile, context: SecretContext): Promise<Server | undefined> {
  const { problems } = context;
  const [url] = await readSecrets({ parent: at(), key: 'url', given: redis.url, givenFiles: redis.url_file }, context);
  const [password] = await readSecrets(
    { parent: at(), key: 'password', given: redis.password, givenFiles: redis.password_file },
    context,
  );
  const sentinelsPassword = await readSecrets(
    {
      parent: at('sentinels'),
      key: 'password',
      given: redis.sentinels?.password,
      givenFiles: redis.sentinels?.password_file,
    },
    context,
  );
  const groups = (['sentinels', 'cluster'] as const).filter((key) => redis[key] !== undefined);
  for (const key of ['url', 'url_file', 'host', 'port', groups[1]] as const)
    if (groups[0] !== undefined && key !== undefined && redis[key] !== undefined)
      problems.error(at(key), `\`redis.${key}\` contradicts \`redis.${groups[0]}\`: which one is meant?`);
  if (groups[0] !== undefined) {
    const where = await whereOf(redis, sentinelsPassword[0]?.value, context);
    if (where.kind === 'cluster' && (redis.database ?? 0) !== 0)
      problems.error(at('database'), '`redis.database` must be 0: a Cluster has no other');
    return {
      where,
      database: redis.database ?? defaults.redis_database,
      username: redis.username,
      password: password?.value,
      isTls: redis.tls !== undefined,
    };
  }
  if (redis.url === undefined && redis.url_file === undefined) {
    if (redis.host === undefined) {
      const isUrlFaulty = problems.isTouched(at('url')) || problems.isTouched(at('url_file'));
      const isFaulty = isUrlFaulty || problems.isTouched(at('sentinels')) || problems.isTouched(at('cluster'));
      if (!isFaulty) problems.missing(at('host'), '`redis` needs `host`, `url`, `sentinels` or `cluster`');
      return undefined;
    }
    return {
      where: { kind: 'server', host: redis.host, port: redis.port ?? defaults.redis_port },
      database: redis.database ?? defaults.redis_database,
      username: redis.username,
      password: password?.value,
      isTls: redis.tls !== undefined,
    };
  }
  for (const key of ['host', 'port', 'database', 'username', 'password', 'password_file'] as const)
    if (redis[key] !== undefined)
      problems.error(at(key), `\`redis.${key}\` contradicts \`redis.url\`, which says it all`);
  return url === undefined ? undefined : serverOfUrl(url.value, url.path, context);
}

function serverOfUrl(text: string, path: TreePath, { problems }: SecretContext): Server | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = /^\/?([0-9]{0,7})$/.exec(url?.pathname ?? '-')?.[1];
  const isRedis = url !== undefined && ['redis:', 'rediss:'].includes(url.protocol);
  const username = decode(url?.username);
  const password = decode(url?.password);
  const isWhole = isRedis && url.hostname !== '' && url.search === '' && url.hash === '';
  if (!isWhole || database === undefined || username === null || password === null) {
    problems.error(path, '`redis.url` must be like redis://host:6379/0 or rediss://user:password@host:6379/0');
    return undefined;
  }
  return {
    where: {
      kind: 'server',
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? defaults.redis_port : Number(url.port),
    },
    database: Number(database),
    username,
    password,
    isTls: url.protocol === 'rediss:',
  };
}

/** Undefined for nothing, null for what is not percent-encoded UTF-8. */
function decode(part: string | undefined): string | undefined | null {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** By sentinels, or a Cluster. */
async function whereOf(
  { sentinels, cluster }: RedisFile,
  password: string | undefined,
  context: SecretContext,
): Promise<RedisWhereabouts> {
  if (sentinels === undefined)
    return {
      kind: 'cluster',
      nodes: nodesOf(cluster?.nodes ?? [], at('cluster', 'nodes'), defaults.redis_port, context),
    };
  return {
    kind: 'sentinels',
    nodes: nodesOf(sentinels.nodes, at('sentinels', 'nodes'), defaults.redis_sentinel_port, context),
    master_name: sentinels.master_name,
    username: sentinels.username,
    password,
    tls: await tlsOf(sentinels.tls, at('sentinels', 'tls'), context),
  };
}

function nodesOf(
  texts: readonly string[],
  path: TreePath,
  byDefault: number,
  { problems }: SecretContext,
): readonly Address[] {
  return texts.flatMap((text, index) => {
    const address = addressOf(text, byDefault);
    if (address !== undefined) return [address];
    problems.error([...path, index], `\`redis.${String(path[1])}.nodes\` must be addresses like host:${byDefault}`);
    return [];
  });
}

/** `host:port`, `host`, `[v6]:port` or `[v6]`. */
function addressOf(text: string, byDefault: number): Address | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9A-Za-z._-]{1,253}))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = digits === undefined ? byDefault : Number(digits);
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6) || port < 1 || port > 65535) return undefined;
  return { host, port };
}

async function tlsOf(tls: RedisFile['tls'], parent: TreePath, context: SecretContext): Promise<RedisTls | undefined> {
  if (tls === undefined) return undefined;
  const { ca_file: caFile, cert_file: certFile, key_file: keyFile } = tls;
  const name = parent.join('.');
  if (caFile !== undefined) await checkCertificates({ path: [...parent, 'ca_file'], file: caFile }, context);
  if (certFile !== undefined && keyFile !== undefined)
    await checkKeyPair(
      {
        certificate: { path: [...parent, 'cert_file'], file: certFile },
        key: { path: [...parent, 'key_file'], file: keyFile },
      },
      context,
    );
  else if (certFile !== undefined) context.problems.missing([...parent, 'key_file'], `\`${name}.key_file\` is missing`);
  else if (keyFile !== undefined)
    context.problems.missing([...parent, 'cert_file'], `\`${name}.cert_file\` is missing`);
  const absolute = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : context.files.resolve(file);
  return {
    ca_file: absolute(caFile),
    cert_file: absolute(certFile),
    key_file: absolute(keyFile),
    server_name: tls.server_name,
  };
}

function milliseconds(
  redis: RedisFile,
  key: 'command_timeout' | 'connect_timeout',
  byDefault: string,
  { problems }: SecretContext,
): number {
  const seconds = parseDuration(redis[key] ?? byDefault);
  if (seconds === undefined || seconds < 0.001 || seconds > 60) {
    problems.error(at(key), `\`redis.${key}\` must be from 1ms to 60s`);
    return 0;
  }
  return Math.round(seconds * 1000);
}
