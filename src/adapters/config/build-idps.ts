/** The identity providers: `idps`, and the one named `default` that the `idp_*` keys describe. */

import type { IdpConfig } from '../../core/config.ts';
import type { TreePath } from '../../core/problem.ts';
import { defaults } from './defaults.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import { defaultIdpKeys } from './schema/idp-keys.ts';
import type { IdpFile } from './schema/idp-keys.ts';
import { readSecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';
import { suggest } from './suggest.ts';
import { listOfTexts } from './texts.ts';

type Provider =
  | {
      readonly kind: 'oidc';
      /** Where every customer has the same issuer. */
      readonly url?: string;
      readonly knowsOfflineAccess: boolean;
      readonly requestParams?: { readonly [name: string]: string };
    }
  /** `why` follows the name. */
  | { readonly kind: 'impossible'; readonly why: string };

const oidc: Provider = { kind: 'oidc', knowsOfflineAccess: true };

const providers: { readonly [name: string]: Provider } = {
  oidc,
  auth0: oidc,
  azure: oidc,
  cognito: oidc,
  okta: oidc,
  onelogin: oidc,
  ping: oidc,
  gitlab: { kind: 'oidc', url: 'https://gitlab.com', knowsOfflineAccess: false },
  // Google gives a refresh token for `access_type=offline`, and refuses the scope.
  google: {
    kind: 'oidc',
    url: 'https://accounts.google.com',
    knowsOfflineAccess: false,
    requestParams: { access_type: 'offline' },
  },
  apple: { kind: 'impossible', why: 'answers by POST, which Doorward’s callback does not take' },
  github: { kind: 'impossible', why: 'does not speak OpenID Connect to users: put an OpenID provider in front of it' },
  hosted: { kind: 'impossible', why: 'is Pomerium’s own service: name an OpenID provider' },
};

/** What Doorward itself puts into an authorization request. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
]);

const DEFAULT_NAME = 'default';

type Entry = {
  readonly idp: IdpFile;
  readonly name: string;
  readonly path: TreePath;
  /** Where the entry has a key: the `idp_*` keys stand at the top of the file. */
  readonly pathOf: (key: keyof IdpFile) => TreePath;
  /** How the file writes a key. */
  readonly nameOf: (key: keyof IdpFile) => string;
};

export async function buildIdps(
  file: ConfigFile,
  context: SecretContext & { readonly pathOf: (item: object) => TreePath },
): Promise<readonly IdpConfig[]> {
  const entries = [...defaultEntry(file, context), ...namedEntries(file, context)];
  const idps: IdpConfig[] = [];
  const names = new Set<string>();
  for (const entry of entries) {
    if (names.has(entry.name)) context.problems.error(entry.path, `there are two identity providers of this name`);
    names.add(entry.name);
    const idp = await buildIdp(entry, context);
    if (idp !== undefined) idps.push(idp);
  }
  return idps;
}

function namedEntries(
  file: ConfigFile,
  context: SecretContext & { readonly pathOf: (item: object) => TreePath },
): readonly Entry[] {
  const { idps } = file;
  if (idps === undefined) return [];
  const list = Array.isArray(idps) ? (idps as readonly IdpFile[]) : Object.values(idps as Record<string, IdpFile>);
  const entries: Entry[] = [];
  for (const idp of list) {
    const path = context.pathOf(idp);
    const key = path[1];
    const name = typeof key === 'string' ? key : idp.name;
    if (name === undefined) context.problems.missing([...path, 'name'], '`name` is missing');
    else if (typeof key === 'string' && idp.name !== undefined && idp.name !== key)
      context.problems.error([...path, 'name'], '`name` differs from the key of the map: leave it out');
    else entries.push({ idp, name, path, pathOf: (of) => [...path, of], nameOf: (of) => of });
  }
  return entries;
}

/** `idp_provider`, `idp_client_id`, ... as in Pomerium. */
function defaultEntry(file: ConfigFile, { problems }: SecretContext): readonly Entry[] {
  const keys = Object.keys(file).filter((key) => Object.hasOwn(defaultIdpKeys, key));
  if (keys.length === 0) return [];
  if (file.idp_client_id === undefined) {
    problems.missing(['idp_client_id'], `\`idp_client_id\` is missing: \`${String(keys[0])}\` needs it`);
    return [];
  }
  const idp: IdpFile = {
    client_id: file.idp_client_id,
    ...(file.idp_provider === undefined ? {} : { provider: file.idp_provider }),
    ...(file.idp_provider_url === undefined ? {} : { url: file.idp_provider_url }),
    ...(file.idp_client_secret === undefined ? {} : { client_secret: file.idp_client_secret }),
    ...(file.idp_client_secret_file === undefined ? {} : { client_secret_file: file.idp_client_secret_file }),
    ...(file.idp_scopes === undefined ? {} : { scopes: file.idp_scopes }),
    ...(file.idp_request_params === undefined ? {} : { request_params: file.idp_request_params }),
  };
  const nameOf = (key: keyof IdpFile): string => (key === 'url' ? 'idp_provider_url' : `idp_${key}`);
  return [{ idp, name: DEFAULT_NAME, path: ['idp_client_id'], pathOf: (key) => [nameOf(key)], nameOf }];
}

async function buildIdp(entry: Entry, context: SecretContext): Promise<IdpConfig | undefined> {
  const { idp, name } = entry;
  const provider = providerOf(entry, context);
  const secrets = await readIdpSecret(entry, context);
  const scopes = scopesOf(entry, provider, context);
  checkRequestParams(entry, context);
  const url = idp.url ?? (provider.kind === 'oidc' ? provider.url : undefined);
  if (provider.kind === 'impossible') return undefined;
  if (url === undefined) {
    // A misspelt or unknown provider may be one whose issuer is known.
    if (context.problems.isTouched(entry.path) || context.problems.hasErrorAt(entry.pathOf('provider')))
      return undefined;
    context.problems.missing(
      entry.pathOf('url'),
      `\`${entry.nameOf('url')}\` is missing: the issuer of ${name} is not known`,
    );
    return undefined;
  }
  const urlFault = issuerFault(url, idp.insecure_http ?? false);
  if (urlFault !== undefined) context.problems.error(entry.pathOf('url'), `\`${entry.nameOf('url')}\` ${urlFault}`);
  return {
    name,
    ...(idp.label === undefined ? {} : { label: idp.label }),
    url,
    client_id: idp.client_id,
    ...(secrets === undefined ? {} : { client_secret: secrets }),
    scopes,
    request_params: { ...provider.requestParams, ...idp.request_params },
    ...(idp.insecure_http === undefined ? {} : { insecure_http: idp.insecure_http }),
    ...(idp.backchannel_logout === undefined ? {} : { backchannel_logout: idp.backchannel_logout }),
  };
}

function providerOf(entry: Entry, { problems }: SecretContext): Provider {
  const name = entry.idp.provider ?? 'oidc';
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  const at = entry.pathOf('provider');
  if (provider === undefined) {
    const nearest = suggest(name, Object.keys(providers));
    const known = Object.keys(providers).filter((key) => providers[key]?.kind === 'oidc');
    const hint = nearest === undefined ? '' : `; did you mean \`${nearest}\`?`;
    problems.error(at, `\`${entry.nameOf('provider')}\` must be one of ${known.join(', ')}${hint}`);
    return oidc;
  }
  if (provider.kind === 'impossible') problems.error(at, `\`${entry.nameOf('provider')}\`: ${name} ${provider.why}`);
  return provider;
}

async function readIdpSecret(entry: Entry, context: SecretContext): Promise<string | undefined> {
  const at = entry.pathOf('client_secret');
  const secrets = await readSecrets(
    {
      parent: at.slice(0, -1),
      key: entry.nameOf('client_secret'),
      given: entry.idp.client_secret,
      givenFiles: entry.idp.client_secret_file,
    },
    context,
  );
  return secrets[0]?.value;
}

function scopesOf(entry: Entry, provider: Provider, { problems }: SecretContext): readonly string[] {
  const { scopes } = entry.idp;
  if (scopes === undefined)
    return defaults.idp_scopes.filter(
      (scope) => scope !== 'offline_access' || (provider.kind === 'oidc' && provider.knowsOfflineAccess),
    );
  const list = listOfTexts(scopes, /[\s,]+/);
  if (!list.includes('openid'))
    problems.error(entry.pathOf('scopes'), `\`${entry.nameOf('scopes')}\` must have \`openid\` among them`);
  return list;
}

function checkRequestParams(entry: Entry, { problems }: SecretContext): void {
  for (const name of Object.keys(entry.idp.request_params ?? {}))
    if (OWN_PARAMETERS.has(name))
      problems.error([...entry.pathOf('request_params'), name], `\`${name}\` is set by Doorward itself`);
}

/** OpenID Connect Discovery 1.0 §3: https, no query, no fragment. Follows the key. */
function issuerFault(url: string, insecureHttp: boolean): string | undefined {
  if (!URL.canParse(url)) return 'must be a URL such as https://login.example.com';
  const { protocol, hostname, username, password, search, hash } = new URL(url);
  if (username !== '' || password !== '' || search !== '' || hash !== '')
    return 'must be a URL without user, query and fragment';
  if (protocol === 'https:') return undefined;
  if (protocol !== 'http:') return 'must start with https://';
  const isLoopback = /^(localhost|[a-z0-9.-]+\.localhost|127(\.[0-9]+){3}|\[::1\])$/.test(hostname);
  if (!isLoopback) return 'must start with https://';
  return insecureHttp
    ? undefined
    : 'must start with https:// (for a loopback address, `insecure_http: true` allows http)';
}
