/** The routes of a file as the core takes them: `policy` (Pomerium's older name) and then `routes`, in the order in which they stand. */

import type { RouteConfig } from '../../core/config.ts';
import type { Tree, TreePath } from '../../core/problem.ts';
import { parseDuration } from '../../core/duration.ts';
import { readPem } from './build-mtls.ts';
import type { ProblemList } from './problem-list.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { RouteFile } from './schema/route-keys.ts';
import type { SecretContext } from './secrets.ts';
import { listOfTexts } from './texts.ts';

export type BuiltRoutes = {
  readonly routes: readonly RouteConfig[];
  /** Where each of them stands in the file. */
  readonly paths: readonly TreePath[];
};

type Globals = { readonly session_lifetime: number; readonly session_idle_timeout: number | undefined };

export async function buildRoutes(
  file: ConfigFile,
  globals: Globals,
  context: SecretContext & { readonly pathOf: (item: object) => TreePath },
): Promise<BuiltRoutes> {
  const sources = [...(file.policy ?? []), ...(file.routes ?? [])];
  const paths = sources.map((source) => context.pathOf(source));
  const routes: RouteConfig[] = [];
  for (const [index, source] of sources.entries()) {
    const path = paths[index] ?? [];
    const route = buildRoute(source, path, { globals, ...context });
    routes.push(namesFiles(source) ? { ...route, ...(await contentsOf(source, path, context)) } : route);
  }
  if (routes.length === 0 && !context.problems.isTouched(['routes']) && !context.problems.isTouched(['policy']))
    context.problems.warning([], 'there are no routes: every request will be answered 404');
  return { routes, paths };
}

/** Waiting for nothing would take its time with thousands of routes. */
const namesFiles = (route: RouteFile): boolean =>
  (route.tls_downstream_client_ca ?? route.tls_downstream_client_ca_file) !== undefined;

async function contentsOf(
  route: RouteFile,
  path: TreePath,
  context: SecretContext,
): Promise<Pick<RouteConfig, 'tls_downstream_client_ca'>> {
  const { tls_downstream_client_ca: given, tls_downstream_client_ca_file: givenFile } = route;
  const ca = await readPem(path, { key: 'tls_downstream_client_ca', given, givenFile }, context);
  return ca === undefined ? {} : { tls_downstream_client_ca: ca };
}

type Context = { readonly problems: ProblemList; readonly globals: Globals };

function buildRoute(route: RouteFile, path: TreePath, context: Context): RouteConfig {
  checkContradictions(route, path, context.problems);
  const lifetime = lifetimeOf(route, 'session_lifetime', path, context);
  const idle = lifetimeOf(route, 'session_idle_timeout', path, context);
  const stream = lifetimeOf(route, 'max_stream_duration', path, context);
  return {
    ...copied(route),
    from: route.from,
    ...(route.policy === undefined ? {} : { policy: route.policy as Tree }),
    ...lists(route),
    ...(route.allowed_idp_claims === undefined ? {} : { allowed_idp_claims: flattenClaims(route.allowed_idp_claims) }),
    ...(route.on_unauthenticated === undefined
      ? {}
      : { on_unauthenticated: route.on_unauthenticated === 401 ? '401' : route.on_unauthenticated }),
    ...(lifetime === undefined ? {} : { session_lifetime: lifetime }),
    ...(idle === undefined ? {} : { session_idle_timeout: idle }),
    ...(stream === undefined ? {} : { max_stream_duration: stream }),
  };
}

/** Keys whose form in the file is the form in the core. */
const COPIED_KEYS = [
  'id',
  'name',
  'description',
  'prefix',
  'path',
  'regex',
  'path_separated_prefix',
  'allow_public_unauthenticated_access',
  'allow_any_authenticated_user',
  'cors_allow_preflight',
  'pass_identity_headers',
  'set_request_headers',
  'jwt_issuer_format',
  'assertion_per_request',
  'show_error_details',
  'path_parameters',
  'relax',
  'insecure_http',
  'labels',
  'load_balancing_policy',
  'lb_policy',
  'mode',
  'shadow_of',
] as const satisfies readonly (keyof RouteFile & keyof RouteConfig)[];

const LIST_KEYS = [
  'allowed_users',
  'allowed_domains',
  'remove_request_headers',
  'jwt_groups_filter',
  'idp',
] as const satisfies readonly (keyof RouteFile & keyof RouteConfig)[];

const copied = (route: RouteFile): Partial<Pick<RouteFile, (typeof COPIED_KEYS)[number]>> =>
  Object.fromEntries(COPIED_KEYS.filter((key) => route[key] !== undefined).map((key) => [key, route[key]]));

const lists = (route: RouteFile): { readonly [Key in (typeof LIST_KEYS)[number]]?: readonly string[] } =>
  Object.fromEntries(LIST_KEYS.filter((key) => route[key] !== undefined).map((key) => [key, listOfTexts(route[key])]));

/** As Pomerium refuses them: each says that the other has no meaning. */
function checkContradictions(route: RouteFile, path: TreePath, problems: ProblemList): void {
  const listed = (['allowed_users', 'allowed_domains', 'allowed_idp_claims'] as const).filter(
    (key) => route[key] !== undefined,
  );
  const isPublic = route.allow_public_unauthenticated_access === true;
  const isForAll = route.allow_any_authenticated_user === true;
  if (isPublic && isForAll)
    problems.error(
      [...path, 'allow_any_authenticated_user'],
      '`allow_any_authenticated_user` has no meaning beside `allow_public_unauthenticated_access`',
    );
  for (const key of isPublic || isForAll ? listed : [])
    problems.error(
      [...path, key],
      `\`${key}\` has no meaning beside \`${isPublic ? 'allow_public_unauthenticated_access' : 'allow_any_authenticated_user'}\``,
    );
}

function lifetimeOf(
  route: RouteFile,
  key: 'session_lifetime' | 'session_idle_timeout' | 'max_stream_duration',
  path: TreePath,
  { problems, globals }: Context,
): number | undefined {
  const written = route[key];
  if (written === undefined) return undefined;
  const seconds = parseDuration(written);
  if (seconds === undefined) problems.error([...path, key], `\`${key}\` must be more than zero and at most ten years`);
  else if (key !== 'max_stream_duration' && seconds > (globals[key] ?? globals.session_lifetime))
    problems.error(
      [...path, key],
      `\`${key}\` is longer than the global ${globals[key] === undefined ? '`session_lifetime`' : `\`${key}\``}`,
    );
  return seconds;
}

/** `{ a: { b: x } }` is `{ 'a.b': [x] }`: claims are flattened like this at login. */
function flattenClaims(claims: unknown): { readonly [claim: string]: readonly Tree[] } {
  const flat = Object.create(null) as { [claim: string]: readonly Tree[] };
  const walk = (value: Tree, name: string): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) walk(inner, name === '' ? key : `${name}.${key}`);
    else flat[name] = Array.isArray(value) ? (value as readonly Tree[]) : [value];
  };
  walk(claims as Tree, '');
  return flat;
}
