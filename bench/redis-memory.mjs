/**
 * Bytes of Redis per session: sessions as a login at a real provider makes them (an ID token signed with RS256, opaque access and refresh tokens,
 * groups), stored by the built store in a Redis of its own; then MEMORY USAGE of every key that is there, and what Redis itself says it uses.
 * After `npm run -s build`: `node bench/redis-memory.mjs [sessions]`. Exits with 1 above the target.
 */

import { spawn } from 'node:child_process';
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { createRedisStores } from '../dist/adapters/redis/stores.js';
import { systemClock } from '../dist/adapters/system/clock.js';
import { systemEntropy } from '../dist/adapters/system/entropy.js';
import { systemTimers } from '../dist/adapters/system/timers.js';
import { handleOf } from '../dist/core/session/cookie.js';
import { locate } from '../tools/components.mjs';

const SESSIONS = Number(process.argv[2] ?? 10_000);
const TARGET_BYTES = 1024;
const AT_ONCE = 50;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As oidc-provider makes it. */
function idTokenOf(claims) {
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: 'keystore-CHANGE-ME' })}.${part(claims)}`;
  return `${signed}.${createSign('sha256').update(signed).sign(privateKey).toString('base64url')}`;
}

function sessionOf(number, mark, now) {
  const subject = randomBytes(16).toString('hex');
  const profile = {
    email: `user.${number}@corp.example.com`,
    email_verified: true,
    name: `User Number ${number}`,
    given_name: 'User',
    family_name: `Number ${number}`,
    preferred_username: `user.${number}`,
    groups: ['everyone', 'engineering', `team-${number % 40}`],
  };
  const sid = randomBytes(16).toString('base64url');
  const claims = {
    sub: subject,
    ...profile,
    nonce: randomBytes(32).toString('base64url'),
    at_hash: randomBytes(16).toString('base64url'),
    sid,
    auth_time: Math.floor(now) - 2,
    aud: 'doorward',
    exp: Math.floor(now) + 3600,
    iat: Math.floor(now),
    iss: 'https://idp.example.com',
  };
  return {
    handle: handleOf(randomBytes(32).toString('base64url')),
    idp: 'corp',
    issuer: 'https://idp.example.com',
    subject,
    email: profile.email,
    emailVerified: true,
    name: profile.name,
    claims: new Map(Object.entries(claims).map(([name, value]) => [name, [value].flat()])),
    userClaims: new Map(),
    idpSessionId: sid,
    acr: undefined,
    amr: ['pwd'],
    authTime: claims.auth_time,
    createdAt: now,
    expiresAt: now + 14 * 3600,
    lastSeenAt: now,
    tokens: {
      idToken: idTokenOf(claims),
      accessToken: randomBytes(32).toString('base64url'),
      refreshToken: randomBytes(32).toString('base64url'),
      accessTokenExpiresAt: Math.floor(now) + 3600,
    },
    tokensAt: now,
    confirmedAt: now,
    mark,
    version: 1,
  };
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function startRedis(folder) {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const child = spawn(locate('redis'), args, { stdio: 'ignore' });
  const raw = new Redis({ port, host: '127.0.0.1' });
  raw.on('error', () => undefined);
  await raw.ping();
  return { port, raw, child };
}

/** Bytes of the keys, by what they are: the end of their names. */
async function bytesByKind(raw) {
  const kinds = new Map();
  let cursor = '0';
  do {
    const [next, keys] = await raw.scan(cursor, 'COUNT', 1000);
    cursor = next;
    const asked = raw.pipeline();
    for (const key of keys) asked.call('MEMORY', 'USAGE', key, 'SAMPLES', '0');
    const replies = await asked.exec();
    keys.forEach((key, place) => {
      const kind = key.startsWith('dw:{dw}') ? key : `dw:{...}${key.slice(key.indexOf('}') + 1)}`;
      const { keys: count = 0, bytes = 0 } = kinds.get(kind) ?? {};
      kinds.set(kind, { keys: count + 1, bytes: bytes + replies[place][1] });
    });
  } while (cursor !== '0');
  return kinds;
}

const usedMemory = async (raw) => Number(/used_memory:(\d+)/.exec(await raw.info('memory'))[1]);

const folder = mkdtempSync(join(tmpdir(), 'doorward-redis-'));
const { port, raw, child } = await startRedis(folder);
const secrets = [randomBytes(32).toString('base64')];
const silent = { debug() {}, info() {}, warn: console.warn, error: console.error };
const stores = createRedisStores({
  redis: {
    where: { kind: 'server', host: '127.0.0.1', port },
    ...{ database: 0, username: undefined, password: undefined, tls: undefined },
    ...{ command_timeout_ms: 2000, connect_timeout_ms: 2000, allow_eviction: false },
  },
  secrets: () => secrets,
  clock: systemClock,
  entropy: systemEntropy,
  timers: systemTimers,
  logger: silent,
});

while (!stores.lease().isHeld) await new Promise((resolve) => setTimeout(resolve, 20));
const before = await usedMemory(raw);
const startedAt = performance.now();
for (let made = 0; made < SESSIONS; made += AT_ONCE) {
  const mark = await stores.sessions.loginMark();
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, SESSIONS - made) }, (_, place) =>
      stores.sessions.create(sessionOf(made + place, mark, systemClock.now())),
    ),
  );
}
const tookMs = performance.now() - startedAt;
const used = (await usedMemory(raw)) - before;
const kinds = [...(await bytesByKind(raw))].sort((one, other) => other[1].bytes - one[1].bytes);
const total = kinds.reduce((sum, [, { bytes }]) => sum + bytes, 0);

console.log(`${SESSIONS} sessions, made in ${(tookMs / 1000).toFixed(1)} s`);
for (const [kind, { keys, bytes }] of kinds) {
  console.log(`${(bytes / SESSIONS).toFixed(1).padStart(8)} bytes per session  ${kind}  (${keys} keys)`);
}
console.log(`${(total / SESSIONS).toFixed(0).padStart(8)} bytes per session by MEMORY USAGE; target ${TARGET_BYTES}`);
console.log(`${(used / SESSIONS).toFixed(0).padStart(8)} bytes per session by used_memory`);

await stores.sessions.close();
raw.disconnect();
const ended = new Promise((resolve) => child.once('exit', resolve));
child.kill();
await ended;
rmSync(folder, { recursive: true });
process.exitCode = total / SESSIONS < TARGET_BYTES ? 0 : 1;
