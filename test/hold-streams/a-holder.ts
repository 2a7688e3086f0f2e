/** A holder of streams over memory stores, with time that is played and lines that are watched. */

import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { createMemoryUserFacts } from '../../src/adapters/memory/user-facts.ts';
import { runInSlices } from '../../src/compose/run-in-slices.ts';
import type { StreamRecord } from '../../src/core/audit/stream-record.ts';
import type { RouteConfig } from '../../src/core/config.ts';
import type {
  Eventually,
  HeldLine,
  HoldAnswer,
  StoreNewsListener,
  StreamEnd,
  UserFacts,
} from '../../src/core/ports.ts';
import type { AccessRequest } from '../../src/core/request/access-request.ts';
import { sealSessionCookie } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { StreamBounds } from '../../src/core/streams/stream-index.ts';
import { sealTicket } from '../../src/core/streams/ticket.ts';
import { createStreamHolds, type StreamHolds } from '../../src/hold-streams.ts';
import { anAccessRequest } from '../core/request/a-request.ts';
import { aSession, aSessionId, NOW } from '../core/session/a-session.ts';
import { startDoorward, type Doorward } from '../endpoints/a-doorward.ts';

export const HOST = 'app.example.com';

export type Line = HeldLine & { readonly ends: StreamEnd[]; isReleased: boolean; hangUp(): void };

const aLine = (): Line => {
  let isOver = false;
  const line: Line = {
    ends: [],
    isReleased: false,
    isOver: () => isOver,
    cut: (end) => {
      line.ends.push(end);
      isOver = true;
    },
    release: () => {
      line.isReleased = true;
      isOver = true;
    },
    hangUp: () => {
      isOver = true;
    },
  };
  return line;
};

export type Holder = {
  readonly holds: StreamHolds;
  readonly doorward: Doorward;
  readonly sessions: Doorward['sessions'];
  readonly facts: UserFacts;
  readonly records: StreamRecord[];
  /** undefined: the store is this process. */
  lease: { leftMs: number };
  /** What reads of sessions wait for, and fail with. */
  store: { wait: Promise<void> | undefined; failure: Error | undefined };
  seconds(count: number): Promise<void>;
  signIn(name: string, changes?: Partial<Session>): Promise<Session>;
  /** The ticket of an allowed request. */
  ticket(request?: {
    readonly of?: string;
    readonly path?: string;
    readonly host?: string;
    readonly endsAt?: Session['expiresAt'];
  }): string;
  open(ticket: string | undefined, host?: string): { readonly line: Line; readonly answer: Eventually<HoldAnswer> };
};

export function startHolder(
  options: { readonly routes?: readonly RouteConfig[]; readonly bounds?: StreamBounds } = {},
): Holder {
  const doorward = startDoorward(options.routes === undefined ? {} : { config: { routes: options.routes } });
  const { clock } = doorward;
  const relay: { news?: StoreNewsListener } = {};
  const onInvalidated: StoreNewsListener['onInvalidated'] = (entries) => relay.news?.onInvalidated(entries);
  const sessions = createMemorySessionStore({ clock, onInvalidated });
  const facts = createMemoryUserFacts({ clock, onInvalidated });
  const records: StreamRecord[] = [];
  const requests = new Map<string, AccessRequest>();
  const timers: { run: () => void; atMs: number }[] = [];
  const holder: Pick<Holder, 'lease' | 'store'> = {
    lease: { leftMs: 1000 },
    store: { wait: undefined, failure: undefined },
  };
  let waited: Promise<void> | undefined;
  const get = (handle: Session['handle']): Eventually<Session | undefined> => {
    const { wait, failure } = holder.store;
    if (failure !== undefined) throw failure;
    if (wait === undefined || wait === waited) return sessions.get(handle);
    return wait.then(() => {
      waited = wait;
      return undefined;
    });
  };
  const ports = {
    ...doorward.ports,
    facts,
    sessions: { ...doorward.ports.sessions, get, forget: () => undefined } as unknown as typeof doorward.ports.sessions,
  };
  const snapshots = new Map();
  const holds = createStreamHolds({
    clock,
    timers: {
      after: (ms, run) => {
        const timer = { run, atMs: clock.monotonicMs() + ms };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    },
    logger: doorward.ports.logger,
    audit: { write: (record) => void records.push(record) },
    live: () => ({
      generation: doorward.generation,
      ports,
      certificates: { factsOf: () => ({ presented: false, valid: false, leaf: undefined }) },
      records: () => snapshots,
    }),
    decodeRequest: (encoded) => requests.get(encoded),
    inSlices: runInSlices,
    leaseLeftMs: () => holder.lease.leftMs,
    observeFailure: () => undefined,
    observeEnd: () => undefined,
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  });
  relay.news = holds.news;
  return Object.assign(holder, {
    holds,
    doorward,
    sessions,
    facts,
    records,
    async seconds(count: number) {
      for (let second = 0; second < count; second += 1) {
        clock.advance(1);
        for (const timer of timers.splice(0)) timer.run();
        await new Promise(setImmediate);
      }
    },
    async signIn(name: string, changes: Partial<Session> = {}) {
      const session = aSession({ subject: name, email: `${name}@example.com`, mark: sessions.loginMark(), ...changes });
      await sessions.create(session);
      return session;
    },
    ticket({ of, path = '/', host = HOST, endsAt }: Parameters<Holder['ticket']>[0] = {}) {
      const times = { issuedAt: NOW, expiresAt: NOW + 3600 } as Pick<Session, 'expiresAt'> & { issuedAt: typeof NOW };
      const cookie =
        of === undefined
          ? []
          : [
              [
                'cookie',
                `__Host-doorward=${sealSessionCookie({ id: aSessionId(of), ...times }, host, ports.sealer)}`,
              ] as const,
            ];
      const encoded = `request ${requests.size}`;
      requests.set(encoded, anAccessRequest({ authority: host, path, headers: cookie }));
      return sealTicket({ requestId: 'r-1', endsAt, request: encoded }, host, ports.sealer);
    },
    open(ticket: string | undefined, host: string = HOST) {
      const line = aLine();
      return { line, answer: holds.hold({ ticket, host }, line) };
    },
  });
}
