/** Where Redis is: by one URL or key by key. */

import type { TreePath } from '../../core/problem.ts';
import { defaults } from './defaults.ts';
import { parseDuration } from '../../core/duration.ts';
import { isOfThisMachine } from '../../core/listen-address.ts';
import { checkCertificates, checkKeyPair } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import { readSecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';
import type { RedisConfig } from './server-config.ts';

type RedisFile = NonNullable<ConfigFile['redis']>;

type Server = Pick<RedisConfig, 'host' | 'port' | 'database' | 'username' | 'password'> & { readonly isTls: boolean };

const at = (...steps: readonly string[]): TreePath => ['redis', ...steps];

/** Undefined (and a problem) when it is not known where Redis is. */
export async function buildRedis(redis: RedisFile, context: SecretContext): Promise<RedisConfig | undefined> {
  const server = await serverOf(redis, context);
  const tls = await tlsOf(redis, server?.isTls ?? false, context);
  const commandTimeout = milliseconds(redis, 'command_timeout', defaults.redis_command_timeout, context);
  const connectTimeout = milliseconds(redis, 'connect_timeout', defaults.redis_connect_timeout, context);
  if (server === undefined) return undefined;
  const { host, port, database, username, password } = server;
  if (tls === undefined && !isOfThisMachine({ kind: 'tcp', host, port }))
    context.problems.warning(at(), 'what passes between Doorward and Redis is not encrypted: `redis.tls` would do so');
  return {
    ...{ host, port, database, username, password, tls },
    command_timeout_ms: commandTimeout,
    connect_timeout_ms: connectTimeout,
  };
}

async function serverOf(redis: RedisFile, context: SecretContext): Promise<Server | undefined> {
  const { problems } = context;
  const [url] = await readSecrets({ parent: at(), key: 'url', given: redis.url, givenFiles: redis.url_file }, context);
  const [password] = await readSecrets(
    { parent: at(), key: 'password', given: redis.password, givenFiles: redis.password_file },
    context,
  );
  if (redis.url === undefined && redis.url_file === undefined) {
    if (redis.host === undefined) {
      const isUrlFaulty = problems.isTouched(at('url')) || problems.isTouched(at('url_file'));
      if (!isUrlFaulty) problems.missing(at('host'), '`redis` needs `host`, or `url`');
      return undefined;
    }
    return {
      host: redis.host,
      port: redis.port ?? defaults.redis_port,
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
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaults.redis_port : Number(url.port),
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

async function tlsOf(redis: RedisFile, isTls: boolean, context: SecretContext): Promise<RedisConfig['tls']> {
  const { tls } = redis;
  if (tls === undefined && !isTls) return undefined;
  const { ca_file: caFile, cert_file: certFile, key_file: keyFile } = tls ?? {};
  if (redis.url?.startsWith('redis:') === true)
    context.problems.error(at('tls'), '`redis.tls` contradicts `redis.url`: write `rediss:` for TLS');
  if (caFile !== undefined) await checkCertificates({ path: at('tls', 'ca_file'), file: caFile }, context);
  if (certFile !== undefined && keyFile !== undefined)
    await checkKeyPair(
      {
        certificate: { path: at('tls', 'cert_file'), file: certFile },
        key: { path: at('tls', 'key_file'), file: keyFile },
      },
      context,
    );
  else if (certFile !== undefined) context.problems.missing(at('tls', 'key_file'), '`redis.tls.key_file` is missing');
  else if (keyFile !== undefined) context.problems.missing(at('tls', 'cert_file'), '`redis.tls.cert_file` is missing');
  const absolute = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : context.files.resolve(file);
  return {
    ca_file: absolute(caFile),
    cert_file: absolute(certFile),
    key_file: absolute(keyFile),
    server_name: tls?.server_name,
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
