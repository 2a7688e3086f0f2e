/** Builder for the tests of this room: an allowed request with everything that upstreamOf looks at, and what came of it. */

import { createAssertionCache } from '../../../src/core/assertion/assertion-cache.ts';
import { parseHeaderTemplate } from '../../../src/core/assertion/header-template.ts';
import { upstreamOf } from '../../../src/core/assertion/upstream.ts';
import type { UpstreamInput } from '../../../src/core/assertion/upstream-input.ts';
import type { AccessConfig } from '../../../src/core/config.ts';
import { subjectOf } from '../../../src/core/facts.ts';
import type { Subject } from '../../../src/core/policy/facts.ts';
import type { AssertionSigner, Entropy } from '../../../src/core/ports.ts';
import type { Route } from '../../../src/core/route/route.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { anAccessRequest } from '../request/a-request.ts';
import { aRoute } from '../route/a-route.ts';
import { aSession, NOW } from '../session/a-session.ts';

export const HOST = 'grafana.example.com';

export const aConfig = (changes: Partial<AccessConfig> = {}): AccessConfig => ({
  routes: [],
  idps: [],
  policy_semantics: 'strict',
  identity_semantics: 'strict',
  cookie_name: '_doorward',
  session_lifetime: 3600,
  session_recheck_interval: 300,
  cookie_same_site: 'lax',
  cookie_secret: ['cookie secret'],
  shared_secret: ['shared secret'],
  signing_key: [],
  pass_identity_headers: true,
  jwt_claims_headers: { 'x-email': 'email', 'x-groups': 'groups', 'X-Department': 'department' },
  jwt_groups_filter: [],
  jwt_issuer_format: 'hostOnly',
  assertion_header: 'X-Pomerium-Jwt-Assertion',
  trusted_proxies: [],
  ...changes,
});

/** What it signs can be read again: `signed <claims>`, percent-encoded. */
export const readableSigner = (): AssertionSigner => ({
  sign: (claims) => `signed:${encodeURIComponent(claims)}`,
  jwks: () => '{"keys":[]}',
});

export const claimsIn = (assertion: string | undefined): Readonly<Record<string, unknown>> =>
  JSON.parse(decodeURIComponent((assertion ?? '').replace(/^signed:/, ''))) as Readonly<Record<string, unknown>>;

/** Counts up, so that two ids are never the same and a test can say which comes. */
export const countingEntropy = (): Entropy => {
  let drawn = 0;
  return {
    bytes: (length) => {
      drawn += 1;
      return new Uint8Array(length).fill(drawn);
    },
  };
};

type Line = readonly [name: string, value: string];

export type Given = {
  readonly headers?: readonly Line[];
  readonly hasRawHeaders?: boolean;
  readonly session?: Session | undefined;
  readonly subject?: Partial<Subject>;
  readonly route?: Partial<Route>;
  readonly setRequestHeaders?: Readonly<Record<string, string>>;
  readonly config?: Partial<AccessConfig>;
  readonly input?: Partial<UpstreamInput>;
};

/** Alice is signed in and her identity is passed on, unless it is said otherwise; `session: undefined` = anonymous. */
export function anUpstreamInput(given: Given = {}): UpstreamInput {
  const session = 'session' in given ? given.session : aSession();
  const templates = Object.entries(given.setRequestHeaders ?? {});
  return {
    request: anAccessRequest({ headers: given.headers ?? [], hasRawHeaders: given.hasRawHeaders ?? true }),
    route: aRoute('grafana', HOST, undefined, {
      passIdentityHeaders: true,
      setRequestHeaders: templates.map(([name, value]) => ({ name, template: parseHeaderTemplate(value) })),
      ...given.route,
    }),
    host: HOST,
    session,
    subject: session === undefined ? undefined : { ...subjectOf(session), ...given.subject },
    config: aConfig(given.config),
    now: NOW,
    assertions: createAssertionCache(),
    signer: readableSigner(),
    entropy: countingEntropy(),
    certificate: () => ({ presented: false, valid: false, leaf: undefined }),
    ...given.input,
  };
}

export type Received = {
  /** Header lines as the upstream gets them: Envoy overwrites by `set`, then removes. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly remove: readonly string[];
};

/** What the upstream receives of a request once Envoy has made the changes. */
export function received(input: UpstreamInput): Received {
  const { set, remove } = upstreamOf(input);
  const headers = new Map(input.request.headers.names().map((name) => [name, input.request.headers.lines(name)]));
  for (const [name, value] of set) headers.set(name, [value]);
  for (const name of remove) headers.delete(name);
  return { headers, remove };
}

export const receivedHeaders = (given: Given = {}): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(received(anUpstreamInput(given)).headers);
