/** AccessConfig from a file whose form is sound: defaults, units, secrets and what keys say about each other. */

import type { AccessConfig } from '../../core/config.ts';
import type { Tree, TreePath } from '../../core/problem.ts';
import { buildIdps } from './build-idps.ts';
import { buildMtls } from './build-mtls.ts';
import { buildGroups, buildRecords } from './build-records.ts';
import { buildRoutes } from './build-routes.ts';
import { buildSignals } from './build-signals.ts';
import { defaults } from './defaults.ts';
import { parseDuration } from '../../core/duration.ts';
import type { ProblemList } from './problem-list.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import { readKeySecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';
import { readSigningKeys } from './signing-keys.ts';
import { listOfTexts } from './texts.ts';

export type BuiltAccess = { readonly access: AccessConfig; readonly routePaths: readonly TreePath[] };

type Context = SecretContext & { readonly pathOf: (item: object) => TreePath };

export async function buildAccess(file: ConfigFile, context: Context): Promise<BuiltAccess> {
  const { problems } = context;
  const session = sessionTimes(file, problems);
  const { routes, paths } = await buildRoutes(file, session, context);
  const idps = await buildIdps(file, context);
  if (
    idps.length === 0 &&
    !problems.hasErrors &&
    routes.some((route) => route.allow_public_unauthenticated_access !== true)
  )
    problems.warning([], 'there is no identity provider (`idps` or `idp_client_id`): nobody can sign in');
  const authUrl = oneSpelling(file, ['auth_url', 'authenticate_service_url'], problems);
  checkSameSite(file, context);
  checkSignOutUrl(file, problems);
  if (TAKEN_HEADERS.has((file.assertion_header ?? '').toLowerCase()))
    problems.error(['assertion_header'], '`assertion_header` must be a header that applications may get from Doorward');
  const mtls = await buildMtls(file, context);
  const records = await buildRecords(file, context);
  const signals = await buildSignals(file, context);
  const groups = buildGroups(file, context);
  const access: AccessConfig = {
    routes,
    idps,
    policy_semantics: file.policy_semantics ?? defaults.policy_semantics,
    identity_semantics: file.identity_semantics ?? defaults.identity_semantics,
    ...(authUrl === undefined ? {} : { auth_url: authUrl }),
    cookie_name: file.cookie_name ?? defaults.cookie_name,
    session_lifetime: session.session_lifetime,
    ...(session.session_idle_timeout === undefined ? {} : { session_idle_timeout: session.session_idle_timeout }),
    session_recheck_interval: session.session_recheck_interval,
    ...(file.sessions_per_user === undefined ? {} : { sessions_per_user: file.sessions_per_user }),
    ...(file.streams === undefined
      ? {}
      : {
          streams: {
            hold: file.streams.hold ?? defaults.streams_hold,
            on_shutdown: file.streams.on_shutdown ?? defaults.streams_on_shutdown,
          },
        }),
    cookie_same_site: sameSiteOf(file),
    cookie_secret: await readKeySecrets(
      { key: 'cookie_secret', given: file.cookie_secret, givenFiles: file.cookie_secret_file },
      context,
    ),
    shared_secret: await readKeySecrets(
      { key: 'shared_secret', given: file.shared_secret, givenFiles: file.shared_secret_file },
      context,
    ),
    signing_key: await readSigningKeys({ given: file.signing_key, givenFiles: file.signing_key_file }, context),
    pass_identity_headers: file.pass_identity_headers ?? defaults.pass_identity_headers,
    jwt_claims_headers: claimHeaders(file, problems),
    jwt_groups_filter: listOfTexts(file.jwt_groups_filter),
    jwt_issuer_format: file.jwt_issuer_format ?? defaults.jwt_issuer_format,
    assertion_header: file.assertion_header ?? defaults.assertion_header,
    trusted_proxies: listOfTexts(file.trusted_proxies),
    ...(file.change_windows === undefined
      ? {}
      : { change_windows: file.change_windows as { readonly [name: string]: Tree } }),
    ...(file.mode === undefined ? {} : { mode: file.mode }),
    ...(file.signout_redirect_url === undefined ? {} : { signout_redirect_url: file.signout_redirect_url }),
    ...(records.length === 0 ? {} : { records }),
    ...(signals.length === 0 ? {} : { shared_signals: signals }),
    ...(groups === undefined ? {} : { groups }),
    ...(mtls === undefined ? {} : { downstream_mtls: mtls }),
  };
  return { access, routePaths: paths };
}

/** The value of a key that has two names; giving both is ambiguous. */
function oneSpelling<Key extends keyof ConfigFile>(
  file: ConfigFile,
  [key, other]: readonly [Key, Key],
  problems: ProblemList,
): ConfigFile[Key] {
  if (file[key] !== undefined && file[other] !== undefined)
    problems.error([other], `\`${other}\` is another name of \`${key}\`, which is given as well: which one is meant?`);
  return file[key] ?? file[other];
}

/** One request to the provider per session in use and interval: what is shorter would be a load of its own. */
const RECHECK_SECONDS_MIN = 5;

function sessionTimes(
  file: ConfigFile,
  problems: ProblemList,
): {
  readonly session_lifetime: number;
  readonly session_idle_timeout: number | undefined;
  readonly session_recheck_interval: number;
} {
  const seconds = (key: keyof ConfigFile, written: string | number): number | undefined => {
    const parsed = parseDuration(written);
    if (parsed === undefined) problems.error([key], `\`${key}\` must be more than zero and at most ten years`);
    return parsed;
  };
  const written = oneSpelling(file, ['session_lifetime', 'cookie_expire'], problems) ?? defaults.session_lifetime;
  const lifetime = seconds(file.session_lifetime === undefined ? 'cookie_expire' : 'session_lifetime', written);
  const idle =
    file.session_idle_timeout === undefined ? undefined : seconds('session_idle_timeout', file.session_idle_timeout);
  if (lifetime !== undefined && idle !== undefined && idle > lifetime)
    problems.error(['session_idle_timeout'], '`session_idle_timeout` is longer than `session_lifetime`');
  const recheck = seconds(
    'session_recheck_interval',
    file.session_recheck_interval ?? defaults.session_recheck_interval,
  );
  if (recheck !== undefined && recheck < RECHECK_SECONDS_MIN)
    problems.error(['session_recheck_interval'], '`session_recheck_interval` must be at least 5s');
  return {
    session_lifetime: lifetime ?? Number.POSITIVE_INFINITY,
    session_idle_timeout: idle,
    session_recheck_interval: recheck ?? RECHECK_SECONDS_MIN,
  };
}

function sameSiteOf(file: ConfigFile): AccessConfig['cookie_same_site'] {
  const written = file.cookie_same_site?.toLowerCase();
  return written === 'strict' || written === 'none' ? written : defaults.cookie_same_site;
}

/** Browsers take `SameSite=None` on https only. */
function checkSameSite(file: ConfigFile, { problems, pathOf }: Context): void {
  if (sameSiteOf(file) !== 'none') return;
  const plain = [...(file.policy ?? []), ...(file.routes ?? [])].find((route) => /^http:/i.test(route.from));
  if (plain !== undefined)
    problems.error([...pathOf(plain), 'from'], '`cookie_same_site: none` needs every route to be https');
}

function checkSignOutUrl(file: ConfigFile, problems: ProblemList): void {
  const url = file.signout_redirect_url;
  if (url === undefined) return;
  if (!URL.canParse(url) || !['https:', 'http:'].includes(new URL(url).protocol))
    problems.error(
      ['signout_redirect_url'],
      '`signout_redirect_url` must be a URL that starts with https:// or http://',
    );
}

/** Pomerium's name for the header of a claim. */
const CLAIM_HEADER_PREFIX = 'x-pomerium-claim-';

/** Headers that the transport or Doorward itself is in charge of. */
const TAKEN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'cookie',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function claimHeaders(file: ConfigFile, problems: ProblemList): { readonly [header: string]: string } {
  const written = file.jwt_claims_headers;
  const at: TreePath = ['jwt_claims_headers'];
  const headers = Object.create(null) as { [header: string]: string };
  const add = (name: string, claim: string, path: TreePath): void => {
    const header = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(header))
      problems.error(path, 'this claim cannot be part of a header name: write a map of header names to claims');
    else if (Object.hasOwn(headers, header)) problems.error(path, `the header \`${header}\` is given twice`);
    else if (TAKEN_HEADERS.has(header) || header === (file.assertion_header ?? defaults.assertion_header).toLowerCase())
      problems.error(path, `\`${header}\` cannot carry a claim`);
    else headers[header] = claim;
  };
  if (typeof written === 'object' && !Array.isArray(written))
    for (const [name, claim] of Object.entries(written)) add(name, claim, [...at, name]);
  else
    for (const [index, claim] of listOfTexts(written as string | readonly string[] | undefined).entries())
      add(`${CLAIM_HEADER_PREFIX}${claim}`, claim, typeof written === 'string' ? at : [...at, index]);
  return headers;
}
