/** The keys of a route that Doorward applies, as they stand in doorward.yaml. */

import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { routeMtlsKeys } from './mtls-keys.ts';
import { choice, duration, flag, HEADER_NAME_PATTERN, headerMap, narrowingList, only, text, textList, textMap } from './parts.ts';

const PATH_RELAXATIONS = ['encoded_slash', 'double_slash', 'dot_segments', 'backslash', 'non_ascii'] as const;

const claimValues = Type.Unsafe<unknown>({
  type: 'object',
  errorMessage: 'must be a map of claims to the values that are accepted',
  description:
    'Allows users who have one of these values in one of these claims: `{ groups: [admins, ops] }`. One of several ways in: see `policy`.',
});

export const routeKeys = {
  from: text({
    description:
      'Scheme and host (and port, for the URLs that Doorward makes) under which browsers reach the application. `*` in the host stands for one or more characters. `http:` is for loopback names only, unless `insecure_http` says otherwise.',
    examples: ['https://app.example.com', 'https://*.apps.example.com'],
  }),
  id: Type.Optional(
    text({
      description:
        'The name of the route in the audit and for `context_extensions`. Without it, one is made from `from` and the path.',
    }),
  ),
  name: Type.Optional(text({ description: 'A name for people.' })),
  description: Type.Optional(text({ description: 'What the application is, for people.' })),
  prefix: Type.Optional(
    text({
      description:
        'Matches paths that start with this text. `/admin` also matches `/administrator`: end it with `/`, or use `path_separated_prefix`. Of `prefix`, `path`, `regex` and `path_separated_prefix` a route has at most one; with none it matches every path.',
      examples: ['/api/'],
    }),
  ),
  path: Type.Optional(text({ description: 'Matches this path and no other.', examples: ['/healthz'] })),
  regex: Type.Optional(
    text({
      description: 'Matches whole paths by a regular expression in RE2 syntax, without the query.',
      examples: ['/users/[0-9]+'],
    }),
  ),
  path_separated_prefix: Type.Optional(
    text({
      description: 'Matches this path and everything below it: `/admin` matches `/admin` and `/admin/x`, not `/administrator`.',
      examples: ['/admin'],
    }),
  ),
  policy: Type.Optional(
    Type.Unsafe<unknown>({
      anyOf: [{ type: 'array' }, { type: 'object' }],
      errorMessage: 'must be a policy: a list of rules with `allow` and `deny`',
      description:
        'Who may do what, in the Pomerium Policy Language: a list of rules with `allow` and `deny`, each with `and`, `or`, `not` or `nor` over criteria. Deny beats allow; nothing matched is a refusal. The `allow_*` and `allowed_*` keys are further ways in beside it.',
      examples: [[{ allow: { and: [{ domain: { is: 'example.com' } }] } }]],
    }),
  ),
  allow_public_unauthenticated_access: Type.Optional(
    flag({ description: 'Lets everybody in, signed in or not. Not together with the other `allow_*` keys.', default: false }),
  ),
  allow_any_authenticated_user: Type.Optional(
    flag({ description: 'Lets everybody in who is signed in. Not together with the `allowed_*` keys.', default: false }),
  ),
  allowed_users: Type.Optional(
    textList({ description: 'Lets these users in, by e-mail address or by the id that the identity provider gives them.' }),
  ),
  allowed_domains: Type.Optional(textList({ description: 'Lets users in whose e-mail address is of one of these domains.' })),
  allowed_idp_claims: Type.Optional(claimValues),
  cors_allow_preflight: Type.Optional(
    flag({ description: 'Lets CORS preflight requests (RFC 9110 OPTIONS with `Origin`) pass without a session.', default: false }),
  ),
  pass_identity_headers: Type.Optional(
    flag({ description: 'Sends the signed assertion and the claim headers to this application. Wins over the global key.' }),
  ),
  set_request_headers: Type.Optional(
    headerMap({
      description:
        'Headers for the application, set whatever the client sent. Values may refer to the session: `${pomerium.jwt}`, `${user.email}`, `${claims.department}`; `$$` is a dollar sign. `${NAME}` in capitals is an environment variable.',
    }),
  ),
  remove_request_headers: Type.Optional(
    textList(
      { description: 'Headers of the client that the application does not get.' },
      { pattern: HEADER_NAME_PATTERN, errorMessage: 'must be a header name' },
    ),
  ),
  load_balancing_policy: Type.Optional(
    text({
      description:
        'The load balancer of the application’s cluster in Envoy. For `ring_hash` and `maglev` the application’s requests get `x-pomerium-routing-key`, the same for all requests of a session, for a `hash_policy` in Envoy’s route; all else is Envoy’s.',
      examples: ['ring_hash'],
    }),
  ),
  lb_policy: Type.Optional(text({ description: 'Another name of `load_balancing_policy`.' })),
  jwt_groups_filter: Type.Optional(
    textList({ description: 'Only these groups go into the assertion, beside those of the global key.' }),
  ),
  jwt_issuer_format: Type.Optional(
    choice(['hostOnly', 'uri'], {
      description: 'The form of `iss` in the assertion: the host, or `https://host/`. Wins over the global key.',
    }),
  ),
  assertion_per_request: Type.Optional(
    flag({
      description: 'Signs a new assertion for each request, instead of one that is used again for up to 30 seconds.',
      default: false,
    }),
  ),
  idp: Type.Optional(
    narrowingList({ description: 'The identity providers that this route accepts, by their name in `idps`. Without it: all.' }),
  ),
  show_error_details: Type.Optional(
    flag({ description: 'Tells refused users which rule refused them.', default: false }),
  ),
  path_parameters: Type.Optional(
    choice(['refuse', 'allow'], {
      description: 'What to do with `;` in paths of this route. Applications that read path parameters need `allow`.',
      default: 'refuse',
    }),
  ),
  relax: Type.Optional(
    Type.Unsafe<readonly (typeof PATH_RELAXATIONS)[number][]>({
      type: 'array',
      items: { type: 'string', enum: [...PATH_RELAXATIONS], errorMessage: `must be one of ${PATH_RELAXATIONS.join(', ')}` },
      errorMessage: `must be a list of ${PATH_RELAXATIONS.join(', ')}`,
      description:
        'Spellings of a path that are refused elsewhere and let through here, because the application needs them. What is let through stays as it is written: an encoded slash separates nothing.',
    }),
  ),
  insecure_http: Type.Optional(
    flag({ description: 'Allows `from: http://` for names that are not loopback. Cookies then travel in the clear.', default: false }),
  ),
  session_lifetime: Type.Optional(
    duration({ description: 'A session older than this must sign in again here. Never longer than the global key.' }),
  ),
  session_idle_timeout: Type.Optional(
    duration({ description: 'A session unused for so long must sign in again here. Never longer than the global key.' }),
  ),
  max_stream_duration: Type.Optional(
    duration({
      description:
        'How long a WebSocket, a stream of events, a download or any other stream of a signed-in user may last here. It never outlasts the session.',
    }),
  ),
  on_unauthenticated: Type.Optional(
    Type.Unsafe<'auto' | 'redirect' | '401' | 401>({
      enum: ['auto', 'redirect', '401', 401],
      errorMessage: 'must be auto, redirect or 401',
      description:
        'The answer to a request without a session: `auto` sends browsers to the login and tells programs 401; `redirect` and `401` do the one or the other always.',
      default: 'auto',
    }),
  ),
  labels: Type.Optional(
    textMap({ description: 'Labels of the target for the `label/<key>` criterion: `{ environment: production }`.' }),
  ),
  ...routeMtlsKeys,
  mode: Type.Optional(
    choice(['active', 'shadow'], {
      description:
        '`shadow`: the route is judged beside the others on live traffic, counted, logged and audited where it would decide differently, and never in force. It stands for the active route of the same host and path (or of `shadow_of`), else for itself at its place.',
      default: 'active',
    }),
  ),
  shadow_of: Type.Optional(
    text({ description: 'The `id` of the active route in whose place a route with `mode: shadow` is judged.' }),
  ),
  bearer_token_format: Type.Optional(
    only('default', 'Doorward does not read bearer tokens yet, so another format would refuse nobody', {
      description: 'Whether `Authorization` is a credential. Doorward leaves it to the application.',
      default: 'default',
    }),
  ),
  enable_google_cloud_serverless_authentication: Type.Optional(
    only(false, 'Doorward does not fetch Google ID tokens for the application', {
      description: 'Known so that it can be refused: Doorward adds no Google ID token.',
      default: false,
    }),
  ),
} as const;

export type RouteFile = Static<TObject<typeof routeKeys>>;
