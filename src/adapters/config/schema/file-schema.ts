/**
 * The schema of doorward.yaml: the one source of the validator, the types, schema/doorward.schema.json and docs/configuration.md.
 * It says what shape a value has; what it means is checked after it.
 */

import { Type } from 'typebox';
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import { defaults } from '../defaults.ts';
import { changeWindows } from './change-window-keys.ts';
import { defaultIdpKeys, idpList } from './idp-keys.ts';
import { mtlsKeys } from './mtls-keys.ts';
import { choice, duration, flag, foreign, HEADER_NAME_PATTERN, only, refused, rotatable, section, text, textList, whole } from './parts.ts';
import { foreignGlobalKeys, foreignRouteKeys } from './pomerium-keys.ts';
import type { ForeignKey, ForeignKeys } from './pomerium-keys.ts';
import { recordKeys } from './record-keys.ts';
import { routeKeys } from './route-keys.ts';
import type { RouteFile } from './route-keys.ts';
import { signalKeys } from './signal-keys.ts';
import { serverKeys } from './server-keys.ts';

const files = (of: string) =>
  rotatable({ description: `A file, or a list of files, each with ${of}. The files are read anew when they change.` });

const accessKeys = {
  idps: Type.Optional(idpList),
  ...defaultIdpKeys,
  policy_semantics: Type.Optional(
    choice(['strict', 'pomerium'], {
      description:
        'How policies decide where something is not known. `strict`: a criterion about somebody unknown is neither true nor false, and cannot let anybody in. `pomerium`: every decision as Pomerium makes it.',
      default: defaults.policy_semantics,
    }),
  ),
  identity_semantics: Type.Optional(
    choice(['strict', 'pomerium'], {
      description:
        'What applications hear about requests that nobody is signed in for. `strict`: no assertion. `pomerium`: an assertion with an empty subject.',
      default: defaults.identity_semantics,
    }),
  ),
  auth_url: Type.Optional(
    text({
      description:
        'One host for signing in, for all applications: one redirect URI at the identity provider, one sign-in for all hosts. Without it, each host has a callback of its own.',
      examples: ['https://auth.example.com'],
    }),
  ),
  authenticate_service_url: Type.Optional(text({ description: 'Pomerium’s name of `auth_url`.' })),
  cookie_name: Type.Optional(
    text(
      {
        description: 'The name of the session cookie. On https, `__Host-` is put in front of it.',
        default: defaults.cookie_name,
      },
      {
        pattern: '^(?!__Host-|__Secure-)[!#$%&\'*+.^_`|~0-9A-Za-z-]{1,64}$',
        errorMessage: 'must be 1 to 64 letters, digits and `_-.`, without `__Host-`, which Doorward puts in front of it',
      },
    ),
  ),
  cookie_secret: Type.Optional(
    rotatable({
      description:
        'Seals cookies. 32 random bytes in base64 (`openssl rand -base64 32`), or a random text of at least 32 characters. A list rotates: the first seals, all open.',
    }),
  ),
  cookie_secret_file: Type.Optional(files('a `cookie_secret`')),
  cookie_expire: Type.Optional(duration({ description: 'Pomerium’s name of `session_lifetime`.' })),
  cookie_same_site: Type.Optional(
    Type.Unsafe<string>({
      type: 'string',
      enum: ['lax', 'strict', 'none', 'Lax', 'Strict', 'None'],
      errorMessage: 'must be lax, strict or none',
      description:
        'The `SameSite` of the session cookie. `none` sends it into frames of other sites too, and needs every route to be https.',
      default: defaults.cookie_same_site,
    }),
  ),
  cookie_http_only: Type.Optional(
    only(true, 'no script may read the session cookie', { description: 'Always so.', default: true }),
  ),
  cookie_secure: Type.Optional(
    only(true, 'the session cookie of an https route goes over https only', { description: 'Always so on https.', default: true }),
  ),
  session_lifetime: Type.Optional(
    duration({
      description: 'A session ends so long after its login, whatever happens.',
      default: defaults.session_lifetime,
    }),
  ),
  session_idle_timeout: Type.Optional(
    duration({ description: 'A session ends when it was not used for so long. Without it, it does not.' }),
  ),
  session_recheck_interval: Type.Optional(
    duration({
      description:
        'How old may be what the identity provider said of a user: it is asked again at the userinfo endpoint, so that changed groups, or that the user was disabled there, count within that time. At least 5s.',
      default: defaults.session_recheck_interval,
    }),
  ),
  sessions_per_user: Type.Optional(
    whole(
      {
        description:
          'How many sessions a user may have at once. A login beyond that ends the oldest ones. Without it, there is no limit.',
      },
      { minimum: 1, maximum: 100 },
    ),
  ),
  streams: Type.Optional(
    section(
      {
        hold: Type.Optional(flag({ description: 'Lets Envoy have each stream held, so that a revocation, or a policy that no longer allows it, cuts it. Needs the two `ext_proc` filters of `envoy/edge-streams.yaml`.', default: defaults.streams_hold })),
        on_shutdown: Type.Optional(choice(['cut', 'release'], { description: 'What becomes of the streams that a process holds when it ends: `cut` them, so that clients come anew and are held by another; or `release` them, to go on unheld until the end of their session.', default: defaults.streams_on_shutdown })),
      },
      { description: 'What was let through and goes on: WebSockets, events, gRPC streams, downloads, tunnels.' },
    ),
  ),
  shared_secret: Type.Optional(
    rotatable({
      description:
        'Seals what passes between the hosts of one installation, and makes the signing key where there is no `signing_key`. Form and rotation as for `cookie_secret`.',
    }),
  ),
  shared_secret_file: Type.Optional(files('a `shared_secret`')),
  signing_key: Type.Optional(
    rotatable({
      description:
        'Private keys of the assertion, PEM (or base64 of PEM): EC P-256, Ed25519, or RSA of at least 2048 bits. The first signs, all are published. Without it, a P-256 key is derived from `shared_secret`.',
    }),
  ),
  signing_key_file: Type.Optional(files('one or more PEM private keys')),
  pass_identity_headers: Type.Optional(
    flag({
      description: 'Sends the signed assertion and the claim headers to the applications.',
      default: defaults.pass_identity_headers,
    }),
  ),
  jwt_claims_headers: Type.Optional(
    Type.Unsafe<string | readonly string[] | { readonly [header: string]: string }>({
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1, errorMessage: 'must be the name of a claim' } },
        {
          type: 'object',
          propertyNames: { pattern: HEADER_NAME_PATTERN, errorMessage: 'must have header names as keys' },
          additionalProperties: { type: 'string', minLength: 1, errorMessage: 'must be the name of a claim' },
        },
      ],
      errorMessage: 'must be a map of header names to claims, or a list of claims',
      description:
        'Claims that the applications get as headers: a map of header names to claims, or a list of claims, each as `x-pomerium-claim-<claim>`.',
      examples: [{ 'X-Email': 'email' }, ['email', 'groups']],
    }),
  ),
  jwt_groups_filter: Type.Optional(
    textList({ description: 'Only these groups go into the assertion. Without it: all.' }),
  ),
  jwt_issuer_format: Type.Optional(
    choice(['hostOnly', 'uri'], {
      description: 'The form of `iss` in the assertion: the host, or `https://host/`.',
      default: defaults.jwt_issuer_format,
    }),
  ),
  assertion_header: Type.Optional(
    text(
      { description: 'The header that carries the signed assertion.', default: defaults.assertion_header },
      { pattern: HEADER_NAME_PATTERN, errorMessage: 'must be a header name' },
    ),
  ),
  trusted_proxies: Type.Optional(
    textList({
      description:
        'Addresses (CIDR) of the proxies in front of Envoy whose X-Forwarded-For is believed. Without it, the client is whoever connects to Envoy.',
      examples: [['10.0.0.0/8']],
    }),
  ),
  signout_redirect_url: Type.Optional(text({ description: 'Where people go after they signed out.' })),
  change_windows: Type.Optional(changeWindows),
  ...recordKeys,
  ...signalKeys,
  mode: Type.Optional(
    choice(['active', 'shadow'], {
      description:
        '`shadow`: the file is only judged beside another one that names it as `shadow_file`, or by `doorward replay`; `serve` does not start with it.',
      default: 'active',
    }),
  ),
  shadow_file: Type.Optional(
    text({
      description:
        'A whole configuration, with `mode: shadow` at its top, that is judged beside this one on live traffic, and is never in force. Only its routes and what decides about them matter. It is read anew when it changes.',
      examples: ['next.yaml'],
    }),
  ),
  bearer_token_format: routeKeys.bearer_token_format,
  runtime_flags: Type.Optional(
    Type.Unsafe<unknown>({
      type: 'object',
      properties: {
        match_any_incoming_port: {
          const: true,
          description: 'Only `true`: routes are matched by host, whatever the port.',
          errorMessage: 'must be true: Doorward matches routes by host, whatever the port',
        },
      },
      errorMessage: 'must be a map of flags',
      description: 'Pomerium’s runtime flags. Doorward has none.',
    }),
  ),
} as const;

const describeForeign = (key: ForeignKey): TSchema => {
  if (key.fate === 'refused') return refused(key.why);
  return foreign(key.fate === 'envoy' ? 'Belongs to Envoy: accepted, and has no effect here.' : `Not used: ${key.why}.`);
};

const foreignProperties = (keys: ForeignKeys): TProperties =>
  Object.fromEntries(Object.entries(keys).map(([key, fate]) => [key, Type.Optional(describeForeign(fate))]));

const route = Type.Object(
  { ...routeKeys, ...foreignProperties(foreignRouteKeys) },
  { additionalProperties: false, errorMessage: 'must be a map of keys', description: 'A route.' },
);

const routeList = (description: string) =>
  Type.Unsafe<readonly RouteFile[]>({
    type: 'array',
    items: route,
    errorMessage: 'must be a list of routes',
    description,
  });

const appliedKeys = {
  routes: Type.Optional(
    routeList('The routes. Hosts without `*` come before those with one; among these, the first that matches is taken.'),
  ),
  policy: Type.Optional(routeList('Pomerium’s older name of `routes`. Where both are given, these come first.')),
  ...accessKeys,
  ...mtlsKeys,
  ...serverKeys,
} as const;

/** doorward.yaml as it is written, without the keys that are accepted and ignored. */
export type ConfigFile = Static<TObject<typeof appliedKeys>>;

export const fileSchema: TSchema = Type.Object(
  { ...appliedKeys, ...foreignProperties(foreignGlobalKeys) },
  {
    title: 'doorward.yaml',
    description: 'The configuration of Doorward.',
    additionalProperties: false,
    errorMessage: 'must be a map of keys',
  },
);

export const appliedGlobalKeys: readonly string[] = Object.keys(appliedKeys);
export const appliedRouteKeys: readonly string[] = Object.keys(routeKeys);
