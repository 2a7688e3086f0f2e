/**
 * What a Check is decided by, where the store takes its time: a session that looks unused is read anew, and what a promise gave is asked for again.
 */

import { describe, expect, test } from '@jest/globals';
import { createSealer } from '../../src/adapters/system/sealer.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { createCheckHandler, type CheckPorts, type Live } from '../../src/answer-check.ts';
import { createAssertionCache } from '../../src/core/assertion/assertion-cache.ts';
import { buildGeneration } from '../../src/core/build-generation.ts';
import type { AccessConfig } from '../../src/core/config.ts';
import { DependencyError, type Eventually, type SessionStore, type UserFacts } from '../../src/core/ports.ts';
import type { AccessRequest } from '../../src/core/request/access-request.ts';
import { handleOf, sealSessionCookie } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { UserFact } from '../../src/core/signals/user-fact.ts';
import type { SessionHandle } from '../../src/core/units.ts';
import { anAccessRequest } from '../core/request/a-request.ts';
import { aClock, aSession, aSessionId, NOW, secondsAfter } from '../core/session/a-session.ts';

const HOST = 'app.example.com';
const IDLE_SECONDS = 600;
const ID = aSessionId();
const sealer = createSealer(['a secret for cookies of thirty-two bytes'], systemEntropy);

const config: AccessConfig = {
  routes: [
    {
      id: 'app',
      from: `https://${HOST}`,
      prefix: '/app',
      policy: [{ allow: { and: [{ authenticated_user: true }] } }],
    },
    {
      id: 'risk',
      from: `https://${HOST}`,
      prefix: '/risk',
      policy: [{ allow: { and: [{ authenticated_user: true }, { risk: { max: 'low', unknown: 'low' } }] } }],
    },
  ],
  idps: [],
  policy_semantics: 'strict',
  identity_semantics: 'strict',
  cookie_name: 'doorward',
  session_lifetime: 3600,
  session_recheck_interval: 3600,
  session_idle_timeout: IDLE_SECONDS,
  cookie_same_site: 'lax',
  cookie_secret: [],
  shared_secret: [],
  signing_key: [],
  pass_identity_headers: false,
  jwt_claims_headers: {},
  jwt_groups_filter: [],
  jwt_issuer_format: 'hostOnly',
  assertion_header: 'x-assertion',
  trusted_proxies: [],
};

const built = buildGeneration({
  config,
  routePath: (index) => ['routes', index],
  number: 1,
  contentHash: 'c',
  asShadow: false,
});

if (!built.ok) throw new Error(built.error.map(({ message }) => message).join('; '));
const { generation } = built.value;

const notAsked = (): never => {
  throw new Error('nobody asks for this here');
};

/** `get` and `of` are played: one entry for each time that they are asked, the last for all times after that. */
type Played = {
  readonly get: readonly (() => Eventually<Session | undefined>)[];
  readonly of?: readonly (() => Eventually<readonly UserFact[]>)[];
};

function playing({ get, of = [] }: Played) {
  const asked = { get: 0, of: 0 };
  const forgotten: SessionHandle[] = [];
  const codes: string[] = [];
  const next = <T>(answers: readonly (() => T)[], count: number): T => (answers[count] ?? answers.at(-1) ?? notAsked)();
  const sessions: Pick<SessionStore, 'get' | 'forget' | 'touch'> = {
    get: () => next(get, (asked.get += 1) - 1),
    forget: (handle) => {
      forgotten.push(handle);
    },
    touch: () => Promise.resolve(),
  };
  const facts: Pick<UserFacts, 'of'> = { of: () => next(of, (asked.of += 1) - 1) };
  const clock = aClock();
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const live = {
    generation,
    ports: { sessions, facts, sealer, signer: { sign: notAsked }, idps: [], clock, entropy: systemEntropy, logger },
    certificates: { factsOf: notAsked },
    records: () => new Map(),
  } as unknown as Live;
  const ports: CheckPorts = {
    ...{ clock, entropy: systemEntropy, logger, assertions: createAssertionCache() },
    live: () => live,
    audit: { isFull: () => false, write: () => undefined },
    shadow: notAsked,
    keepFresh: { tend: () => undefined },
    observe: ({ code }) => codes.push(code),
    observeFailure: () => undefined,
  };
  const answer = (path = '/app'): ReturnType<ReturnType<typeof createCheckHandler>['answer']> =>
    createCheckHandler(ports).answer(withSession(path), undefined);
  return { answer, asked, forgotten, codes };
}

function withSession(path: string): AccessRequest {
  const value = sealSessionCookie({ id: ID, issuedAt: NOW, expiresAt: secondsAfter(3600) }, HOST, sealer);
  return anAccessRequest({ authority: HOST, path, headers: [['cookie', `__Host-doorward=${value}`]] });
}

const handle = handleOf(ID);
const live = aSession({ handle });
const usedLongAgo = aSession({ handle, createdAt: secondsAfter(-2000), lastSeenAt: secondsAfter(-IDLE_SECONDS) });
const usedElsewhere = { ...usedLongAgo, lastSeenAt: secondsAfter(-10) };
const highRisk: UserFact = { about: 'risk', scope: 'of the test', level: 'high', at: NOW };

describe('a session that looks unused may have been used at another process', () => {
  test('it is read anew, and decided by what is stored now', async () => {
    const { answer, forgotten, codes } = playing({
      get: [() => usedLongAgo, () => Promise.resolve(usedElsewhere), () => usedElsewhere],
    });
    await answer();
    expect(codes).toEqual(['allow']);
    expect(forgotten).toEqual([handle]);
  });

  test('it is forgotten before it is asked for again', async () => {
    const order: string[] = [];
    const { answer, codes, forgotten } = playing({
      get: [
        () => usedLongAgo,
        () => {
          order.push(`forgotten: ${forgotten.length}`);
          return usedElsewhere;
        },
      ],
    });
    await answer();
    expect(order).toEqual(['forgotten: 1']);
    expect(codes).toEqual(['allow']);
  });

  test('where it is unused there as well it is no session, and is not read once more', async () => {
    const { answer, asked, forgotten, codes } = playing({
      get: [() => usedLongAgo, () => Promise.resolve(usedLongAgo), () => usedLongAgo],
    });
    await answer();
    expect(codes).toEqual(['login-required']);
    expect(forgotten).toEqual([handle]);
    expect(asked.get).toBe(3);
  });

  test('where it was ended meanwhile it is no session', async () => {
    const { answer, codes } = playing({ get: [() => usedLongAgo, () => Promise.resolve(undefined), () => undefined] });
    await answer();
    expect(codes).toEqual(['login-required']);
  });

  test('where it cannot be read anew the Check is refused as an outage', async () => {
    const outage = new DependencyError('store-unavailable', 'out of reach');
    const { answer, codes } = playing({ get: [() => usedLongAgo, () => Promise.reject(outage)] });
    await answer();
    expect(codes).toEqual(['unavailable']);
  });

  test('one that is in use is not forgotten', () => {
    const { answer, forgotten, codes } = playing({ get: [() => live] });
    expect(answer()).not.toBeInstanceOf(Promise);
    expect(codes).toEqual(['allow']);
    expect(forgotten).toEqual([]);
  });
});

describe('what comes as a promise is not decided by', () => {
  test('a session that is revoked between its read and the turn of its reader is not allowed', async () => {
    const { answer, asked, codes } = playing({ get: [() => Promise.resolve(live), () => undefined] });
    await answer();
    expect(codes).toEqual(['login-required']);
    expect(asked.get).toBe(2);
  });

  test('a session that is there at once when it is asked for again is allowed', async () => {
    const { answer, asked, codes } = playing({ get: [() => Promise.resolve(undefined), () => live] });
    await answer();
    expect(codes).toEqual(['allow']);
    expect(asked.get).toBe(2);
  });

  test('a session that never comes at once is refused as an outage, after a bounded number of reads', async () => {
    const { answer, asked, codes } = playing({ get: [() => Promise.resolve(live)] });
    await answer();
    expect(codes).toEqual(['unavailable']);
    expect(asked.get).toBeLessThanOrEqual(10);
  });

  test('a fact that is told between the read of facts and the turn of their reader counts', async () => {
    const { answer, asked, codes } = playing({
      get: [() => live],
      of: [() => Promise.resolve([]), () => [highRisk]],
    });
    await answer('/risk');
    expect(codes).toEqual(['forbidden']);
    expect(asked.of).toBe(2);
  });

  test('a session that is revoked while the facts of its user are read is not allowed', async () => {
    const { answer, codes } = playing({
      get: [() => live, () => undefined],
      of: [() => Promise.resolve([]), () => []],
    });
    await answer('/risk');
    expect(codes).toEqual(['login-required']);
  });

  test('facts that are at hand are decided by at once', () => {
    const { answer, codes } = playing({ get: [() => live], of: [() => []] });
    expect(answer('/risk')).not.toBeInstanceOf(Promise);
    expect(codes).toEqual(['allow']);
  });
});
