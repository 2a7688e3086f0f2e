/** The keys of the process: listeners, store, workers, logs. They are read at start; a change needs a restart. */

import { Type } from 'typebox';
import { defaults } from '../defaults.ts';
import { choice, duration, flag, narrowingList, section, text, whole } from './parts.ts';

const redisTls = section(
  {
    ca_file: Type.Optional(text({ description: 'PEM certificates of the authorities that may have signed Redis’s certificate. Without it: those of the system.' })),
    cert_file: Type.Optional(text({ description: 'PEM certificate that Doorward shows to Redis. Needs `key_file`.' })),
    key_file: Type.Optional(text({ description: 'PEM private key of `cert_file`.' })),
    server_name: Type.Optional(text({ description: 'The name that Redis’s certificate must bear. Without it: the host.' })),
  },
  { description: 'Speak TLS to Redis. `tls: {}` does so with the authorities of the system.' },
);

const redisNodes = (about: { readonly description: string; readonly examples: readonly unknown[] }) =>
  Type.Unsafe<readonly string[]>({
    type: 'array',
    minItems: 1,
    maxItems: 100,
    items: { type: 'string', minLength: 1, errorMessage: 'must be text that is not empty' },
    errorMessage: 'must be a list of 1 to 100 addresses',
    ...about,
  });

const sentinels = section(
  {
    nodes: redisNodes({ description: `Where the sentinels are: \`host:port\`, or \`host\` for port ${defaults.redis_sentinel_port}.`, examples: [['sentinel-1:26379', 'sentinel-2:26379']] }),
    master_name: text({ description: 'The name under which the sentinels know the master.', examples: ['mymaster'] }),
    username: Type.Optional(text({ description: 'The user, where the sentinels have an ACL.' })),
    password: Type.Optional(text({ description: 'The password of the sentinels.' })),
    password_file: Type.Optional(text({ description: 'A file that holds the password of the sentinels.' })),
    tls: Type.Optional(redisTls),
  },
  { description: 'Find Redis by asking sentinels, at each connection. Their credentials and TLS are those given here; those of the master are the ones of `redis`.' },
);

const cluster = section(
  { nodes: redisNodes({ description: `Nodes of the Cluster to ask for the others: \`host:port\`, or \`host\` for port ${defaults.redis_port}.`, examples: [['redis-1:6379', 'redis-2:6379']] }) },
  { description: 'Redis is a Cluster. What changes a session is in the slot of the session; what revokes is in one slot, that of `{dw}`.' },
);

const redis = section(
  {
    url: Type.Optional(text({ description: 'All in one: `redis://host:port/database`, or `rediss:` for TLS, with `user:password@` if needed. Not together with `host`.' })),
    url_file: Type.Optional(text({ description: 'A file that holds `url`.' })),
    host: Type.Optional(text({ description: 'The host of Redis.' })),
    sentinels: Type.Optional(sentinels),
    cluster: Type.Optional(cluster),
    port: Type.Optional(whole({ description: 'The port of Redis.', default: defaults.redis_port }, { minimum: 1, maximum: 65535 })),
    database: Type.Optional(whole({ description: 'The number of the database.', default: defaults.redis_database }, { minimum: 0, maximum: 1_000_000 })),
    username: Type.Optional(text({ description: 'The user, where Redis has an ACL.' })),
    password: Type.Optional(text({ description: 'The password.' })),
    password_file: Type.Optional(text({ description: 'A file that holds the password.' })),
    tls: Type.Optional(redisTls),
    replicas: Type.Optional(whole({ description: 'How many nodes beside the master hold the data of the control slot and may be promoted. A revocation is confirmed when that many have it, or all that are connected where those are more. Without it, a replica that is cut off is not waited for.', default: defaults.redis_replicas }, { minimum: 0, maximum: 100 })),
    allow_eviction: Type.Optional(flag({ description: 'Use a Redis whose `maxmemory-policy` is not `noeviction`, with a warning. It may then drop revocations before their time: a session that was revoked could be good again.', default: false })),
    command_timeout: Type.Optional(duration({ description: 'How long a command may take before the store counts as out of reach.', default: defaults.redis_command_timeout })),
    connect_timeout: Type.Optional(duration({ description: 'How long a connection may take to come about.', default: defaults.redis_connect_timeout })),
  },
  { description: 'Where Redis is. Naming it makes it the session store.' },
);

const grpcTls = section(
  {
    certificate_file: text({ description: 'PEM certificate (chain) of the Check listener.' }),
    key_file: text({ description: 'PEM private key of the certificate.' }),
    client_ca_file: text({ description: 'PEM certificates of the authorities whose clients may ask. Without a certificate of theirs nobody is answered.' }),
    spiffe_ids: Type.Optional(narrowingList({ description: 'Only callers whose certificate bears one of these URIs may ask. Without it: all that the authorities vouch for.', examples: [['spiffe://cluster.local/ns/edge/sa/envoy']] })),
  },
  { description: 'Mutual TLS for the Check listener. Whoever may send a Check can claim to be any peer, so only Envoy must reach it. The files are read anew when they change.' },
);

const adminTls = section(
  {
    certificate_file: text({ description: 'PEM certificate (chain) of the admin address. Clients must ask by a name that it bears.' }),
    key_file: text({ description: 'PEM private key of the certificate.' }),
    client_ca_file: Type.Optional(text({ description: 'PEM certificates of the authorities whose clients may ask. Given, a certificate of theirs is demanded, beside the token where there is one.' })),
    client_names: Type.Optional(narrowingList({ description: 'Only clients whose certificate bears one of these names may ask. Without it: all that the authorities vouch for.', examples: [['email:alice@example.com', 'URI:spiffe://cluster.local/ns/ops/sa/doorward-admin']] })),
  },
  { description: 'TLS for the admin address. The files are read anew when they change.' },
);

const audit = section(
  {
    destination: Type.Optional(text({ description: 'Where audit lines go: `stdout`, `stderr`, or the path of a file that is appended to.', default: defaults.audit_destination })),
  },
  { description: 'The audit: one JSON line for each Check, and for each change that an administrator makes.' },
);

export const serverKeys = {
  grpc_address: Type.Optional(text({ description: 'Where Envoy asks: `host:port`, or `unix:/path` for a socket that only its owner may use. Other than loopback or a socket, it needs `grpc_tls` or `grpc_insecure: true`.', default: defaults.grpc_address, examples: ['unix:/run/doorward/check.sock'] })),
  grpc_tls: Type.Optional(grpcTls),
  grpc_insecure: Type.Optional(flag({ description: 'Allows a Check listener that others can reach, without TLS of Doorward’s own: inside a mesh with strict mTLS and a network policy. Whoever reaches it can sign any identity.', default: false })),
  ops_address: Type.Optional(text({ description: 'Where metrics and health are served over HTTP: `host:port`, or `unix:/path`. Never the address of the Check listener.', default: defaults.ops_address })),
  admin_socket: Type.Optional(text({ description: 'The unix socket on which `doorward session` lists and revokes; only its owner may use it. `off` for none. Without it: `doorward/admin.sock` in `$XDG_RUNTIME_DIR`, else in `/run`.' })),
  admin_address: Type.Optional(text({ description: 'Where `doorward session --address` lists and revokes: `host:port`. It needs `admin_token_file`, or `admin_tls` with `client_ca_file`; other than loopback it needs `admin_tls`. Without it: only the socket.', examples: ['127.0.0.1:9903'] })),
  admin_token_file: Type.Optional(text({ description: 'A file of tokens that may ask at `admin_address`, one to a line, each with a name before it that the audit then has, if wanted: `alice <token>`. Nobody else may read it, nor its group write to it (0640 or less). It is read at each request, so a token that is taken out is of no use from then on.' })),
  admin_tls: Type.Optional(adminTls),
  session_store: Type.Optional(choice(['memory', 'redis'], { description: 'Where sessions are kept: in this process (lost with it, and for one worker only), or in Redis.', default: defaults.session_store })),
  redis: Type.Optional(redis),
  workers: Type.Optional(
    Type.Unsafe<number | 'auto'>({
      anyOf: [{ type: 'integer', minimum: 1, maximum: 256 }, { const: 'auto' }],
      errorMessage: 'must be auto or a whole number from 1 to 256',
      description: 'How many processes answer. `auto`: one for each processor, and one with the memory store, which cannot be shared.',
      default: defaults.workers,
    }),
  ),
  log_level: Type.Optional(choice(['debug', 'info', 'warn', 'error'], { description: 'The least severity of what is logged. The audit is not affected.', default: defaults.log_level })),
  checks_in_flight_max: Type.Optional(whole({ description: 'Checks that a worker takes at once; what comes beyond is answered 503.', default: defaults.checks_in_flight_max }, { minimum: 1, maximum: 1_000_000 })),
  audit: Type.Optional(audit),
} as const;
