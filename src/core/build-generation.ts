/**
 * buildGeneration: compiles an AccessConfig, whole or not at all. Every problem is collected, each with the place in the tree where it stands;
 * adapters/config turns that into line and column. One step is one route.
 */

import { parseHeaderTemplate } from './assertion/header-template.ts';
import { templateWarnings } from './assertion/template-warnings.ts';
import type { AccessConfig, RouteConfig, ShadowConfig } from './config.ts';
import type { Generation } from './generation.ts';
import { parseChangeWindows, type ChangeWindows } from './policy/change-window.ts';
import { compilePolicy } from './policy/compile.ts';
import { groupsRuleOf, recordRulesOf } from './policy/record-rules.ts';
import type { RecordSourceRules } from './policy/records.ts';
import type { GroupsRule } from './policy/user-groups.ts';
import type { CompiledPolicy } from './policy/compiled-policy.ts';
import type { Problem, TreePath } from './problem.ts';
import { parseAddressRange, type AddressRange } from './request/client-address.ts';
import { err, ok, type Result } from './result.ts';
import { createRouteTableSteps } from './route/create-route-table.ts';
import { originText, parseOrigin } from './route/origin.ts';
import { parsePathPattern } from './route/path-pattern.ts';
import { publicPrefixWarning } from './route/public-prefix.ts';
import { routeIdOf } from './route/route-id.ts';
import type { RouteTable } from './route/route-table.ts';
import type { Route } from './route/route.ts';
import { layOver, type ListedRoute } from './shadow/lay-over.ts';
import type { Shadow } from './shadow/shadow.ts';
import { runSteps, type Steps } from './steps.ts';
import { idpName, routeId, type IdpName } from './units.ts';

export type BuiltGeneration = { readonly generation: Generation; readonly warnings: readonly Problem[] };

export type GenerationSource = {
  readonly config: AccessConfig;
  /** Where route `index` stands in the file: `['routes', 2]`, or below `policy` in a Pomerium file. */
  routePath(index: number): TreePath;
  readonly number: number;
  readonly contentHash: string;
  /** It is built to be judged beside another one, or to be replayed: `mode: shadow` is no obstacle. */
  readonly asShadow?: boolean;
};

export const buildGeneration = (source: GenerationSource): Result<BuiltGeneration, readonly Problem[]> =>
  runSteps(buildGenerationSteps(source));

export function* buildGenerationSteps(source: GenerationSource): Steps<Result<BuiltGeneration, readonly Problem[]>> {
  const { config } = source;
  const problems: Problem[] = [];
  if (config.mode === 'shadow' && source.asShadow !== true)
    problems.push({ severity: 'error', path: ['mode'], message: IS_SHADOW });
  const listed = yield* listRoutes(source, problems);
  const active = listed.filter(({ isShadow }) => !isShadow);
  const trustedProxies = buildTrustedProxies(config, problems);
  const authOrigin = buildAuthOrigin(config, problems);
  const groups = groupsRuleOf(config, recordRulesOf(config));
  if (!groups.ok) problems.push(groups.error);
  const routes = yield* buildTable(active, problems);
  const shadow = yield* buildShadow(
    { config, listed, active, trustedProxies, groups: groups.ok ? groups.value : undefined },
    problems,
  );
  if (routes === undefined || !groups.ok || problems.some((problem) => problem.severity === 'error'))
    return err(problems);
  const { number, contentHash } = source;
  return ok({
    generation: { number, contentHash, config, routes, trustedProxies, authOrigin, shadow, groups: groups.value },
    warnings: problems,
  });
}

const IS_SHADOW = 'this file is a shadow: it can be the `shadow_file` of another one, and is not to be in force itself';

/** Every route that compiles, in listed order. */
function* listRoutes(
  { config, routePath }: Pick<GenerationSource, 'config' | 'routePath'>,
  problems: Problem[],
): Steps<readonly ListedRoute[]> {
  const idps = new Set(config.idps.map((idp) => idpName(idp.name)));
  const recordSources = recordRulesOf(config);
  const changeWindows = parseChangeWindows(config.change_windows ?? {}, ['change_windows'], (path, message) =>
    problems.push({ severity: 'error', path, message }),
  );
  const globalHeaders = lowerCase([config.assertion_header, ...Object.keys(config.jwt_claims_headers)]);
  const listed: ListedRoute[] = [];
  for (const [index, routeConfig] of config.routes.entries()) {
    yield;
    const path = routePath(index);
    const route = buildRoute(
      { config, route: routeConfig, path, idps, changeWindows, recordSources, globalHeaders },
      problems,
    );
    if (route === undefined) continue;
    listed.push({ route, path, isShadow: routeConfig.mode === 'shadow', shadowOf: routeConfig.shadow_of });
  }
  return listed;
}

function* buildTable(listed: readonly ListedRoute[], problems: Problem[]): Steps<RouteTable | undefined> {
  const table = yield* createRouteTableSteps(
    listed.map(({ route }) => route),
    (index) => listed[index]?.path ?? ['routes', index],
    new Map(listed.flatMap(({ alias, route }) => (alias === undefined ? [] : [[alias, route]]))),
  );
  if (table.ok) return table.value;
  problems.push(...table.error);
  return undefined;
}

type ShadowSource = {
  readonly config: AccessConfig;
  readonly listed: readonly ListedRoute[];
  readonly active: readonly ListedRoute[];
  readonly trustedProxies: readonly AddressRange[];
  readonly groups: GroupsRule | undefined;
};

/** The shadow of a file: its shadow routes laid over the others, or the file that it names. */
function* buildShadow(source: ShadowSource, problems: Problem[]): Steps<Shadow | undefined> {
  const { config, listed, active, trustedProxies, groups } = source;
  const laid = layOver(listed);
  if (!laid.ok) problems.push(...laid.error);
  const hasRoutes = active.length < listed.length;
  if (config.mode === 'shadow' && hasRoutes)
    problems.push({ severity: 'error', path: ['mode'], message: 'in a file that is a shadow, no route can be one' });
  if (config.shadow_file !== undefined) {
    if (hasRoutes) problems.push({ severity: 'error', path: ['shadow_file'], message: TWO_SHADOWS });
    return yield* buildShadowOfFile(config, config.shadow_file, problems);
  }
  if (!laid.ok || !hasRoutes) return undefined;
  const routes = yield* buildTable(laid.value, problems);
  return routes === undefined
    ? undefined
    : { routes, trustedProxies, knowsCertificates: true, groups, unaskedSources: new Set() };
}

const TWO_SHADOWS = '`shadow_file` stands for all routes, so no route can be a shadow beside it';

function* buildShadowOfFile(
  active: AccessConfig,
  { access, routePaths, contentHash }: ShadowConfig,
  problems: Problem[],
): Steps<Shadow | undefined> {
  const built = yield* buildGenerationSteps({
    config: access,
    routePath: (index) => routePaths[index] ?? ['routes', index],
    number: 0,
    contentHash,
    asShadow: true,
  });
  const found = built.ok ? built.value.warnings : built.error;
  problems.push(...found.map((problem) => ({ ...problem, path: ['shadow_file', ...problem.path] })));
  if (!built.ok) return undefined;
  const { routes, trustedProxies, groups } = built.value.generation;
  return {
    routes,
    trustedProxies,
    knowsCertificates: hasCertificateRulesOf(active, access),
    groups,
    unaskedSources: unaskedSourcesOf(active, access),
  };
}

/** Those of `shadow` that `active` does not have with the same settings. */
function unaskedSourcesOf({ records: asked = [] }: AccessConfig, shadow: AccessConfig): ReadonlySet<string> {
  const known = new Set(asked.map((source) => JSON.stringify(source)));
  return new Set((shadow.records ?? []).filter((each) => !known.has(JSON.stringify(each))).map(({ name }) => name));
}

/** Whether a certificate that was judged by the rules of `active` is judged by those of `shadow` as well. */
function hasCertificateRulesOf(active: AccessConfig, shadow: AccessConfig): boolean {
  const known = new Set(active.routes.map((route) => route.tls_downstream_client_ca));
  return (
    JSON.stringify(active.downstream_mtls) === JSON.stringify(shadow.downstream_mtls) &&
    shadow.routes.every(({ tls_downstream_client_ca: ca }) => ca === undefined || known.has(ca))
  );
}

type RouteSource = {
  readonly config: AccessConfig;
  readonly route: RouteConfig;
  readonly path: TreePath;
  readonly idps: ReadonlySet<IdpName>;
  readonly changeWindows: ChangeWindows;
  readonly recordSources: RecordSourceRules;
  /** Request headers, in lower case, that Doorward sets for the application on every route. */
  readonly globalHeaders: ReadonlySet<string>;
};

/** Of what most routes do not have: one for all of them takes no room. */
const noLabels: ReadonlyMap<string, string> = new Map();
const noRelaxations: Route['relax'] = new Set();

const labelsOf = ({ labels }: RouteConfig): ReadonlyMap<string, string> =>
  labels === undefined ? noLabels : new Map(Object.entries(labels));

const lowerCase = (names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => name.toLowerCase()));

function buildRoute(source: RouteSource, problems: Problem[]): Route | undefined {
  const { config, route, path } = source;
  const report = (key: string, message: string): void => {
    problems.push({ severity: 'error', path: [...path, key], message });
  };
  const origin = parseOrigin(route.from, { insecureHttp: route.insecure_http ?? false });
  if (!origin.ok) report('from', origin.error);
  const pattern = parsePathPattern(route);
  if (!pattern.ok) report(pattern.error.key, pattern.error.message);
  const policy = buildPolicy(source, problems);
  const warning = publicPrefixWarning(route, path);
  if (warning !== undefined) problems.push(warning);
  problems.push(...templateWarnings(route.set_request_headers ?? {}, [...path, 'set_request_headers']));
  const idps = buildRouteIdps(source, report);
  if (!origin.ok || !pattern.ok || policy === undefined || idps === undefined) return undefined;

  const built: Route = {
    id: routeId(route.id ?? routeIdOf(route)),
    origin: origin.value,
    pattern: pattern.value,
    policy,
    idps,
    passIdentityHeaders: route.pass_identity_headers ?? config.pass_identity_headers,
    setRequestHeaders: Object.entries(route.set_request_headers ?? {}).map(([name, value]) => ({
      name: name.toLowerCase(),
      template: parseHeaderTemplate(value),
    })),
    hasRoutingKey: HASHING_BALANCERS.has((route.load_balancing_policy ?? route.lb_policy ?? '').toLowerCase()),
    removeRequestHeaders: (route.remove_request_headers ?? []).map((name) => name.toLowerCase()),
    jwtGroupsFilter: groupsFilter(config.jwt_groups_filter, route.jwt_groups_filter ?? []),
    jwtIssuerFormat: route.jwt_issuer_format ?? config.jwt_issuer_format,
    assertionPerRequest: route.assertion_per_request ?? false,
    showErrorDetails: route.show_error_details ?? false,
    allowPathParameters: route.path_parameters === 'allow',
    relax: route.relax === undefined ? noRelaxations : new Set(route.relax),
    sessionLifetimeSeconds: Math.min(route.session_lifetime ?? Infinity, config.session_lifetime),
    sessionIdleSeconds: shorter(route.session_idle_timeout, config.session_idle_timeout),
    maxStreamSeconds: route.max_stream_duration,
    onUnauthenticated: route.on_unauthenticated ?? 'auto',
    labels: labelsOf(route),
    clientCa: route.tls_downstream_client_ca,
  };
  return built;
}

/** Load balancers that pick a host by what the request carries. */
const HASHING_BALANCERS: ReadonlySet<string> = new Set(['ring_hash', 'maglev']);

/** Global and route filter together; undefined = every group is told. */
const groupsFilter = (global: readonly string[], ofRoute: readonly string[]): readonly string[] | undefined =>
  global.length + ofRoute.length === 0 ? undefined : [...global, ...ofRoute];

const shorter = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other);

function buildPolicy(
  { config, route, path, changeWindows, recordSources, globalHeaders }: RouteSource,
  problems: Problem[],
): CompiledPolicy | undefined {
  const mtls = config.downstream_mtls;
  const hasClientCa = route.tls_downstream_client_ca !== undefined || mtls?.ca !== undefined;
  const compiled = compilePolicy({
    policy: route.policy,
    path: [...path, 'policy'],
    semantics: config.policy_semantics,
    flags: {
      public: route.allow_public_unauthenticated_access ?? false,
      anyAuthenticatedUser: route.allow_any_authenticated_user ?? false,
      corsPreflight: route.cors_allow_preflight ?? false,
      allowedUsers: route.allowed_users ?? [],
      allowedDomains: route.allowed_domains ?? [],
      allowedIdpClaims: route.allowed_idp_claims ?? {},
    },
    denyInvalidCertificate: hasClientCa && mtls?.enforcement !== 'policy',
    hasClientCa,
    changeWindows,
    recordSources,
    labels: labelsOf(route),
    ownHeaders:
      route.set_request_headers === undefined
        ? globalHeaders
        : new Set([...globalHeaders, ...lowerCase(Object.keys(route.set_request_headers))]),
  });
  problems.push(...(compiled.ok ? compiled.value.warnings : compiled.error));
  return compiled.ok ? compiled.value.policy : undefined;
}

function buildRouteIdps(
  { route, idps }: RouteSource,
  report: (key: string, message: string) => void,
): readonly IdpName[] | undefined {
  const names = route.idp === undefined ? [] : typeof route.idp === 'string' ? [route.idp] : route.idp;
  const unknown = names.filter((name) => !idps.has(idpName(name)));
  if (unknown.length > 0) {
    report('idp', `no identity provider is named ${unknown.map((name) => `"${name}"`).join(', ')}`);
    return undefined;
  }
  return names.map(idpName);
}

function buildTrustedProxies(config: AccessConfig, problems: Problem[]): readonly AddressRange[] {
  return config.trusted_proxies.flatMap((text, index) => {
    const range = parseAddressRange(text);
    if (range.ok) return [range.value];
    problems.push({ severity: 'error', path: ['trusted_proxies', index], message: range.error });
    return [];
  });
}

function buildAuthOrigin(config: AccessConfig, problems: Problem[]): Generation['authOrigin'] {
  if (config.auth_url === undefined) return undefined;
  const origin = parseOrigin(config.auth_url, { insecureHttp: false });
  if (!origin.ok || origin.value.isWildcard) {
    const message = origin.ok ? 'auth_url names exactly one host' : origin.error;
    problems.push({ severity: 'error', path: ['auth_url'], message });
    return undefined;
  }
  return { origin: originText(origin.value, origin.value.host), host: origin.value.host };
}
