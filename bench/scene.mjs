/**
 * What is measured: a configuration, signed-in users, and the CheckRequests of a hardened Envoy. The same composition as `doorward serve`, with
 * sessions put into its store, since a login is not what is measured here.
 */

import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createBatchingStream } from '../dist/adapters/pino/batching-stream.js';
import { createAuditSink } from '../dist/adapters/pino/audit-sink.js';
import { createMetrics } from '../dist/adapters/metrics/metrics.js';
import { createMemoryOnceRegistry } from '../dist/adapters/memory/once-registry.js';
import { createMemoryUserFacts } from '../dist/adapters/memory/user-facts.js';
import { createMemorySessionStore } from '../dist/adapters/memory/session-store.js';
import { systemClock } from '../dist/adapters/system/clock.js';
import { systemEntropy } from '../dist/adapters/system/entropy.js';
import { systemTimers } from '../dist/adapters/system/timers.js';
import { compile } from '../dist/compose/generations.js';
import { composeHandler } from '../dist/compose/handler.js';
import { load } from '../dist/compose/load.js';
import { createKeepFresh } from '../dist/keep-fresh.js';
import { handleOf, sealSessionCookie, sessionCookieName } from '../dist/core/session/cookie.js';
import { flattenClaims } from '../dist/core/session/claims.js';

const HOST = 'grafana.example.com';
const SESSION_SECONDS = 3600;

const configText = `
cookie_secret: MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=
shared_secret: QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=
jwt_claims_headers: { x-email: email, x-groups: groups }
pass_identity_headers: true
idps:
  - { name: corp, url: https://idp.example.com/, client_id: doorward, client_secret: bench-only }
routes:
${Array.from(
  { length: 9 },
  (_, index) =>
    `  - { from: https://app${index}.example.com, policy: [{ allow: { and: [{ groups: { has: team${index} } }] } }] }`,
).join('\n')}
  - from: https://${HOST}
    policy:
      - allow:
          and:
            - groups: { has: sre }
            - domain: { is: example.com }
            - http_method: { in: [GET, POST] }
            - http_path: { starts_with: /d/ }
            - source_ip: [192.0.2.0/24]
`;

const silent = { debug: () => undefined, info: () => undefined, warn: console.error, error: console.error };

const TARGET = { host: HOST, path: '/d/abc123/overview?orgId=1&from=now-6h&to=now' };

/** As `openStores` gives them. */
export const memoryStores = (clock = systemClock) => ({
  sessions: createMemorySessionStore({ clock }),
  once: createMemoryOnceRegistry({ clock }),
  facts: createMemoryUserFacts({ clock }),
});

/**
 * `folder` gets the configuration and the audit. Returns the handler, and requests that it allows: one for each of `targets` of each of as many
 * `users`, each of whom has a session of the same claims; `request` is the first of them, `handles` are the sessions.
 */
export async function buildScene(
  folder,
  { text = configText, targets = [TARGET], clock = systemClock, stores = memoryStores(clock), users = 1 } = {},
) {
  mkdirSync(folder, { recursive: true });
  const configFile = join(folder, 'doorward.yaml');
  writeFileSync(configFile, text);
  const loaded = await load({ configFile, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error.problems));
  const lasting = { ...stores, clock, entropy: systemEntropy, logger: silent };
  const compiled = await compile(loaded.value, lasting, undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const { live } = compiled.value;
  const signedIn = await signIn(users, stores.sessions, live.ports.sealer, loaded.value.access.cookie_name);
  const requests = signedIn.flatMap(({ cookieFor }) =>
    targets.map((target) => checkRequest(target, cookieFor(target.host))),
  );
  const stream = createBatchingStream({ fd: openSync(join(folder, 'audit.jsonl'), 'a') });
  const audit = createAuditSink(stream);
  const metrics = createMetrics({ version: 'bench', node: process.versions.node });
  const keepFresh = createKeepFresh({
    ...lasting,
    timers: systemTimers,
    observe: (refresh) => metrics.observeRefresh(refresh),
  });
  return {
    handler: composeHandler({ lasting, audit, metrics, keepFresh, live: () => live }),
    requests,
    request: requests[0],
    handles: signedIn.map(({ handle }) => handle),
    stream,
  };
}

/** A session of a user of this number, under a new id. */
export function sessionOf(number, mark) {
  const id = Buffer.from(systemEntropy.bytes(32)).toString('base64url');
  const now = systemClock.now();
  const expiresAt = now + SESSION_SECONDS;
  const session = {
    handle: handleOf(id),
    idp: 'corp',
    issuer: 'https://idp.example.com/',
    subject: `u-${4711 + number}`,
    email: `alice${number}@example.com`,
    emailVerified: true,
    name: 'Alice Example',
    claims: flattenClaims({ email: `alice${number}@example.com`, groups: ['sre', 'grafana-admins', 'everyone'] }),
    userClaims: new Map(),
    idpSessionId: undefined,
    acr: undefined,
    amr: [],
    authTime: now,
    createdAt: now,
    expiresAt,
    lastSeenAt: now,
    // As after a login, with nothing to refresh for as long as it is measured.
    tokens: { idToken: undefined, accessToken: 'access', refreshToken: 'refresh', accessTokenExpiresAt: expiresAt },
    tokensAt: now,
    confirmedAt: expiresAt,
    mark,
    version: 1,
  };
  return { id, session };
}

/** Sessions that are written at once. */
const WRITES_AT_ONCE = 100;

/** Returns for each user the session, and what makes its cookie for a host. */
async function signIn(users, sessions, sealer, cookieName) {
  const mark = await sessions.loginMark();
  const signedIn = Array.from({ length: users }, (_, number) => sessionOf(number, mark));
  for (let place = 0; place < users; place += WRITES_AT_ONCE) {
    const written = signedIn.slice(place, place + WRITES_AT_ONCE).map(({ session }) => sessions.create(session));
    if ((await Promise.all(written)).includes(false)) throw new Error('the store did not take a session');
  }
  return signedIn.map(({ id, session: { handle, createdAt: issuedAt, expiresAt } }) => ({
    handle,
    cookieFor: (host) =>
      `${sessionCookieName(cookieName, 'https')}=${sealSessionCookie({ id, issuedAt, expiresAt }, host, sealer)}`,
  }));
}

const headersOf = ({ host, path }, cookie) => [
  [':authority', host],
  [':path', path],
  [':method', 'GET'],
  [':scheme', 'https'],
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  ],
  ['accept', 'application/json, text/plain, */*'],
  ['accept-language', 'en-US,en;q=0.9'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['cookie', `grafana_session=1d9b2f6c4e8a7b3f5d0c9e8a7b6f5d4c; ${cookie}`],
  ['referer', `https://${host}/d/abc123/overview?orgId=1`],
  ['sec-fetch-dest', 'empty'],
  ['sec-fetch-mode', 'cors'],
  ['sec-fetch-site', 'same-origin'],
  ['x-grafana-org-id', '1'],
  ['x-forwarded-for', '192.0.2.17'],
  ['x-forwarded-proto', 'https'],
  ['x-envoy-external-address', '192.0.2.17'],
  ['x-request-id', '7f3b0c52-9d1e-4f0a-b6a7-2f3c51a0c9e4'],
];

/** proto3 by hand: `attributes { source, request { http { ... header_map } } }`, as Envoy sends it with `encode_raw_headers`. */
function checkRequest({ host, path }, cookie) {
  const varint = (value) => {
    const bytes = [];
    for (let rest = value; ; rest >>>= 7) {
      if (rest < 0x80) return Buffer.from([...bytes, rest]);
      bytes.push((rest & 0x7f) | 0x80);
    }
  };
  const field = (number, payload) => {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
  };
  const number = (id, value) => Buffer.concat([varint(id << 3), varint(value)]);
  const socketAddress = Buffer.concat([field(2, '192.0.2.17'), number(3, 40852)]);
  const peer = field(1, field(1, socketAddress));
  const headerMap = Buffer.concat(
    headersOf({ host, path }, cookie).map(([name, value]) =>
      field(1, Buffer.concat([field(1, name), field(3, value)])),
    ),
  );
  const http = Buffer.concat([
    field(1, '9059189390539800393'),
    field(2, 'GET'),
    field(4, path),
    field(5, host),
    field(6, 'https'),
    field(10, 'HTTP/2'),
    field(13, headerMap),
  ]);
  return field(1, Buffer.concat([field(1, peer), field(4, field(2, http))]));
}
