/** The defaults of doorward.yaml, used by the loader and told by the schema. */

export const defaults = {
  policy_semantics: 'strict',
  identity_semantics: 'strict',
  cookie_name: 'doorward',
  session_lifetime: '14h',
  cookie_same_site: 'lax',
  pass_identity_headers: false,
  jwt_issuer_format: 'hostOnly',
  assertion_header: 'x-pomerium-jwt-assertion',
  idp_scopes: ['openid', 'profile', 'email', 'offline_access'],
  grpc_address: '127.0.0.1:50051',
  ops_address: '127.0.0.1:9464',
  session_store: 'memory',
  redis_port: 6379,
  redis_database: 0,
  redis_command_timeout: '500ms',
  redis_connect_timeout: '2s',
  workers: 'auto',
  log_level: 'info',
  checks_in_flight_max: 10_000,
  audit_destination: 'stdout',
} as const;
