/** Doorward's endpoints behind the real line of a Check, over memory stores, an identity provider that is played, and a small browser. */

import { createMemoryOnceRegistry } from '../../src/adapters/memory/once-registry.ts';
import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { createMemoryUserFacts } from '../../src/adapters/memory/user-facts.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { createSealer } from '../../src/adapters/system/sealer.ts';
import { check } from '../../src/check.ts';
import { buildGeneration } from '../../src/core/build-generation.ts';
import type { AccessConfig, IdpConfig, RouteConfig } from '../../src/core/config.ts';
import type { Generation } from '../../src/core/generation.ts';
import {
  DependencyError,
  type Identity,
  type IdentityProvider,
  type IdpAnswer,
  type Logger,
  type RefreshOf,
  type SignedMessages,
} from '../../src/core/ports.ts';
import type { AccessRequest } from '../../src/core/request/access-request.ts';
import { originText } from '../../src/core/route/origin.ts';
import type { ClaimValue } from '../../src/core/session/session.ts';
import { idpName } from '../../src/core/units.ts';
import { answerEndpoint, beginLogin } from '../../src/endpoints/answer-endpoint.ts';
import type { EndpointAnswer, EndpointPorts } from '../../src/endpoints/endpoint.ts';
import { anAccessRequest } from '../core/request/a-request.ts';
import { aClock, type ManualClock } from '../core/session/a-session.ts';

export const APP = 'https://app.example.com';
export const WIKI = 'https://wiki.example.com:8443';
export const AUTH = 'https://auth.example.com';
export const SECRET = 'the-cookie-secret';

export type PlayedProvider = IdentityProvider & {
  /** What redeem was called with. */
  readonly redeemed: Parameters<IdentityProvider['redeem']>[0][];
  readonly revoked: unknown[];
  /** What it was asked again, and how it answers. */
  readonly refreshes: Parameters<IdentityProvider['refresh']>[];
  refreshed: (of: RefreshOf) => IdpAnswer | Promise<IdpAnswer>;
  /** What the next logins tell; or why there is nothing to tell. */
  next: Partial<Pick<Identity, 'idTokenClaims' | 'userinfoClaims' | 'subject'>> | DependencyError;
  endSession: string | undefined | DependencyError;
  revocation: DependencyError | undefined;
  down: boolean;
  backchannelLogout: 'any' | 'typed' | 'off';
  /** Runs while a code is redeemed. */
  meanwhile: () => Promise<unknown> | undefined;
};

export function playProvider(name: string): PlayedProvider {
  const issuer = `https://${name}.idp.example`;
  const unavailable = (): DependencyError => new DependencyError('idp-unavailable', `${name} is down`);
  const provider: PlayedProvider = {
    name: idpName(name),
    label: `The ${name} provider`,
    redeemed: [],
    revoked: [],
    refreshes: [],
    refreshed: () => ({ kind: 'refreshed', refreshed: { isUserConfirmed: true } }),
    next: {},
    endSession: `${issuer}/logout`,
    revocation: undefined,
    down: false,
    backchannelLogout: 'any',
    meanwhile: () => undefined,
    authorizationUrl(parameters) {
      if (provider.down) return Promise.reject(unavailable());
      const { redirectUri, state, nonce, codeVerifier, prompt, stepUp } = parameters;
      const { acrValues, maxAge } = stepUp ?? {};
      const query = new URLSearchParams({
        redirectUri,
        state,
        nonce,
        codeVerifier,
        ...(prompt ? { prompt } : {}),
        ...(acrValues ? { acr_values: acrValues.join(' ') } : {}),
        ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
      });
      return Promise.resolve(`${issuer}/authorize?${query.toString()}`);
    },
    async redeem(parameters) {
      provider.redeemed.push(parameters);
      await provider.meanwhile();
      if (provider.down) throw unavailable();
      if (provider.next instanceof DependencyError) throw provider.next;
      const iss = new URL(parameters.callbackUrl).searchParams.get('iss');
      if (iss !== null && iss !== issuer) throw new DependencyError('idp-refused', 'the issuer is another');
      const { subject = 'alice-1', userinfoClaims, idTokenClaims = {} } = provider.next;
      const claims: Record<string, ClaimValue> = {
        sub: subject,
        email: 'alice@example.com',
        name: 'Alice',
        ...idTokenClaims,
      };
      const tokens = { idToken: 'a.b.c', accessToken: 'at', refreshToken: 'rt', accessTokenExpiresAt: undefined };
      return { issuer, subject, idTokenClaims: claims, userinfoClaims, tokens };
    },
    async refresh(of, kind) {
      provider.refreshes.push([of, kind]);
      if (provider.down) throw unavailable();
      return provider.refreshed(of);
    },
    endSessionUrl({ idToken, returnTo, state }) {
      if (provider.endSession instanceof DependencyError) return Promise.reject(provider.endSession);
      if (provider.endSession === undefined) return Promise.resolve(undefined);
      const query = new URLSearchParams({ id_token_hint: idToken ?? '', post_logout_redirect_uri: returnTo, state });
      return Promise.resolve(`${provider.endSession}?${query.toString()}`);
    },
    revokeTokens(tokens) {
      provider.revoked.push(tokens);
      return provider.revocation === undefined ? Promise.resolve() : Promise.reject(provider.revocation);
    },
    trust() {
      if (provider.down) return Promise.reject(unavailable());
      const jwksUri = `${issuer}/jwks`;
      return Promise.resolve({
        issuer,
        jwksUri,
        algorithms: ['ES256'],
        clientId: 'doorward',
        backchannelLogout: provider.backchannelLogout,
      });
    },
    status: () => 'ready',
  };
  return provider;
}

const idpConfig = (name: string): IdpConfig => ({
  name,
  url: `https://${name}.idp.example`,
  client_id: 'doorward',
  scopes: ['openid'],
  request_params: {},
});

export const defaultRoutes: readonly RouteConfig[] = [
  { from: APP, id: 'app', prefix: '/', allow_any_authenticated_user: true },
  { from: WIKI, id: 'wiki', prefix: '/', allow_any_authenticated_user: true },
];

export type Doorward = {
  readonly clock: ManualClock;
  readonly idps: readonly PlayedProvider[];
  readonly ports: EndpointPorts;
  readonly sessions: ReturnType<typeof createMemorySessionStore>;
  readonly logged: string[];
  generation: Generation;
  reload(config: Partial<AccessConfig>): void;
  answer(url: string, request?: Sent): Promise<EndpointAnswer | 'allow'>;
};

export type Sent = {
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: AccessRequest['body'];
};

const NAVIGATION = [
  ['accept', 'text/html'],
  ['sec-fetch-mode', 'navigate'],
] as const;

export function startDoorward(
  options: {
    readonly config?: Partial<AccessConfig>;
    readonly idps?: readonly string[];
    readonly messages?: SignedMessages;
  } = {},
): Doorward {
  const clock = aClock();
  const names = options.idps ?? ['default'];
  const idps = names.map((name) => playProvider(name));
  const sessions = createMemorySessionStore({ clock });
  const logged: string[] = [];
  const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const ports: EndpointPorts = {
    sessions,
    once: createMemoryOnceRegistry({ clock }),
    facts: createMemoryUserFacts({ clock }),
    idps,
    messages: options.messages ?? { verify: () => Promise.resolve({ ok: false, error: 'no keys' }) },
    sealer: createSealer([SECRET]),
    signer: { sign: () => 'a.b.c', jwks: () => '{"keys":[]}' },
    entropy: systemEntropy,
    clock,
    logger,
  };
  const load = (config: Partial<AccessConfig>, number: number): Generation => {
    const built = buildGeneration({
      config: {
        routes: defaultRoutes,
        idps: names.map((name) => idpConfig(name)),
        policy_semantics: 'strict',
        identity_semantics: 'strict',
        cookie_name: 'doorward',
        session_lifetime: 3600,
        session_recheck_interval: 300,
        cookie_same_site: 'lax',
        cookie_secret: [SECRET],
        shared_secret: ['shared'],
        signing_key: [],
        pass_identity_headers: false,
        jwt_claims_headers: {},
        jwt_groups_filter: [],
        jwt_issuer_format: 'hostOnly',
        assertion_header: 'x-pomerium-jwt-assertion',
        trusted_proxies: [],
        ...config,
      },
      routePath: (index) => ['routes', index],
      number,
      contentHash: 'x',
    });
    if (!built.ok) throw new Error(JSON.stringify(built.error));
    return built.value.generation;
  };

  const doorward: Doorward = {
    clock,
    idps,
    ports,
    sessions,
    logged,
    generation: load(options.config ?? {}, 1),
    reload(config) {
      doorward.generation = load({ ...options.config, ...config }, doorward.generation.number + 1);
    },
    async answer(url, { method = 'GET', headers = NAVIGATION, body } = {}) {
      const { host, path } = split(url);
      const request = anAccessRequest({ authority: host, method, path, headers, body });
      const now = clock.now();
      let known: Parameters<typeof check>[1]['session'];
      let facts: Parameters<typeof check>[1]['facts'];
      for (;;) {
        const certificate = { presented: false, valid: false, leaf: undefined };
        const decision = check(
          request,
          {
            generation: doorward.generation,
            sealer: ports.sealer,
            session: known,
            facts,
            certificate: () => certificate,
          },
          now,
        );
        if (decision.kind === 'needs') {
          if (decision.needs === 'facts') {
            facts = { of: decision.of, facts: await ports.facts.of(decision.of) };
            continue;
          }
          known = { handle: decision.session, session: await ports.sessions.get(decision.session) };
          continue;
        }
        if (decision.kind === 'allow') return 'allow';
        if (decision.kind === 'refuse') throw new Error(`refused: ${decision.code} ${decision.detail ?? ''}`);
        const { target, route, presented, session } = decision.findings;
        const common = {
          request,
          target,
          presented,
          session,
          generation: doorward.generation,
          now,
          requestId: 'request-1',
        };
        if (decision.kind === 'own') {
          return answerEndpoint(decision.path, { ...common, route, origin: decision.origin }, ports);
        }
        const { origin } = decision.findings.route;
        return beginLogin({ ...common, route, origin: originText(origin, target.host) }, ports, decision.stepUp);
      }
    },
  };
  return doorward;
}

/** The authority and the path, as they are: `new URL` would mend them. */
function split(url: string): { readonly host: string; readonly path: string } {
  const slash = url.indexOf('/', 'https://'.length);
  return { host: url.slice(url.indexOf('://') + 3, slash), path: url.slice(slash) };
}

/** The ids that are used up from now on, in order. */
export function watchUses({ ports: { once } }: Doorward): readonly string[] {
  const used: string[] = [];
  const use = once.use.bind(once);
  once.use = (id, ttl) => {
    used.push(id);
    return use(id, ttl);
  };
  return used;
}

export type Seen = {
  readonly status: number;
  readonly code: string;
  readonly body: string;
  readonly location: string;
  readonly setCookies: readonly string[];
  readonly answer: EndpointAnswer;
  header(name: string): string | undefined;
};

/** Keeps cookies by host, as a browser keeps `__Host-` cookies; those that such a cookie may not be are an error. */
export class Browser {
  readonly cookies = new Map<string, Map<string, string>>();
  readonly #doorward: Doorward;

  constructor(doorward: Doorward) {
    this.#doorward = doorward;
  }

  of(origin: string): Map<string, string> {
    const { host } = split(`${origin}/`);
    const found = this.cookies.get(host) ?? new Map<string, string>();
    this.cookies.set(host, found);
    return found;
  }

  names(origin: string): readonly string[] {
    return [...this.of(origin).keys()];
  }

  /** One request. 'allow' where Doorward lets it pass. */
  async ask(url: string, sent: Sent = {}): Promise<Seen | 'allow'> {
    const { host } = split(url);
    const jar = this.of(`https://${host}`);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = [...(sent.headers ?? NAVIGATION), ...(cookie === '' ? [] : [['cookie', cookie] as const])];
    const answer = await this.#doorward.answer(url, { ...sent, headers });
    if (answer === 'allow') return answer;
    const { response } = answer;
    const all = (name: string): readonly string[] =>
      response.headers.filter(([key]) => key === name).map(([, value]) => value);
    for (const line of all('set-cookie')) keep(line, jar);
    return {
      status: response.status,
      code: answer.code,
      body: response.body,
      location: all('location')[0] ?? '',
      setCookies: all('set-cookie'),
      answer,
      header: (name) => all(name)[0],
    };
  }

  /** As `ask`, where an answer of Doorward's own is expected. */
  async get(url: string, sent: Sent = {}): Promise<Seen> {
    const seen = await this.ask(url, sent);
    if (seen === 'allow') throw new Error(`${url} was allowed`);
    return seen;
  }

  /** Follows redirects while they stay at Doorward's hosts; the last answer, or where the browser was led. */
  async follow(url: string): Promise<Seen | 'allow'> {
    let seen = await this.ask(url);
    for (let hops = 0; hops < 10 && seen !== 'allow' && isOurs(seen.location); hops += 1) {
      seen = await this.ask(seen.location);
    }
    return seen;
  }

  /** Goes to a page that wants a login, and comes back from the provider; what `follow` gives then. */
  async login(url: string, query: Record<string, string> = {}): Promise<Seen | 'allow'> {
    const begun = await this.follow(url);
    if (begun === 'allow') throw new Error('there was nothing to sign in for');
    return this.follow(callbackOf(begun.location, query));
  }
}

const isOurs = (location: string): boolean =>
  URL.canParse(location) && /\.(?:example\.com|localhost)$/.test(new URL(location).hostname);

/** The callback that a provider answers an authorization request with. */
export function callbackOf(authorizationUrl: string, query: Record<string, string> = {}): string {
  const { searchParams } = new URL(authorizationUrl);
  const answer = { code: 'the-code', state: searchParams.get('state') ?? '', ...query };
  return `${searchParams.get('redirectUri') ?? ''}?${new URLSearchParams(answer).toString()}`;
}

function keep(line: string, jar: Map<string, string>): void {
  const [pair = '', ...attributes] = line.split('; ');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals);
  if (name.startsWith('__Host-') && !(attributes.includes('Secure') && attributes.includes('Path=/'))) {
    throw new Error(`a browser would not take ${line}`);
  }
  if (!attributes.includes('HttpOnly')) throw new Error(`a script could read ${line}`);
  if (pair.length > 4096) throw new Error('a browser would drop so large a cookie');
  if (attributes.includes('Max-Age=0')) jar.delete(name);
  else jar.set(name, pair.slice(equals + 1));
}
