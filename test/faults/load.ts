/** Requests at a fixed rate, whatever becomes of those before, and what each of them was answered. */

import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';

import type { Visitor } from './visitors.ts';

/** Who asks: a visitor with a session, `stranger` with a cookie that opens nothing, `public` for what needs no session. */
export type Asker = Visitor | 'stranger' | 'public';

/** One request and its answer. Moments are of `performance.now()` of this process. */
export type Shot = {
  readonly asker: Asker;
  /** Of the Envoy that was asked. */
  readonly port: number;
  /** Before its first byte was written. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** 0: no answer. */
  readonly status: number;
  readonly hasRetryAfter: boolean;
  /** The e-mail address that the application was told; it answers with what it received. */
  readonly toldEmail: string | undefined;
  /** Why there is no answer, or what it says of itself. */
  readonly detail: string;
};

export type LoadSettings = {
  readonly ratePerSecond: number;
  /** Asked in turn; may change while the load goes on. */
  readonly askers: () => readonly Asker[];
  /** Ports of the Envoys, asked in turn. */
  readonly ports: readonly number[];
  readonly authority: string;
};

export type Load = {
  /** All that is answered so far. */
  shots(): readonly Shot[];
  /** Sends no more, waits for what is under way, and gives all. */
  stop(): Promise<readonly Shot[]>;
};

/** Envoy gives up a Check after 5 s, and may ask it once more. */
const ANSWER_TIMEOUT_MS = 15_000;
const TICK_MS = 5;

export function startLoad({ ratePerSecond, askers, ports, authority }: LoadSettings): Load {
  const agent = new Agent({ keepAlive: true });
  const shots: Shot[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;
  const sendDue = (): void => {
    const due = Math.floor(((performance.now() - startedAt) * ratePerSecond) / 1000);
    for (; sent < due; sent += 1) {
      const all = askers();
      const asker = all[sent % all.length];
      const port = ports[Math.floor(sent / all.length + sent) % ports.length];
      if (asker === undefined || port === undefined) continue;
      const shot = shoot({ agent, asker, port, authority }).then((answered) => {
        shots.push(answered);
        underWay.delete(shot);
      });
      underWay.add(shot);
    }
  };
  const timer = setInterval(sendDue, TICK_MS);
  return {
    shots: () => shots,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
      return shots;
    },
  };
}

type Aim = { readonly agent: Agent | false; readonly asker: Asker; readonly port: number; readonly authority: string };

const cookieOf = (asker: Asker): string | undefined => {
  if (asker === 'public') return undefined;
  return asker === 'stranger' ? `doorward=${'x'.repeat(120)}` : asker.cookie;
};

/** One request. Never rejects. */
export function shoot({ agent, asker, port, authority }: Aim): Promise<Shot> {
  const cookie = cookieOf(asker);
  const options = {
    ...{ agent, host: '127.0.0.1', port, timeout: ANSWER_TIMEOUT_MS },
    path: asker === 'public' ? '/public/x' : '/x',
    headers: { host: authority, accept: 'application/json', ...(cookie === undefined ? {} : { cookie }) },
  };
  const sentAt = performance.now();
  return new Promise((resolve) => {
    const end = (answer: Pick<Shot, 'status' | 'hasRetryAfter' | 'toldEmail' | 'detail'>): void => {
      resolve({ asker, port, sentAt, answeredAt: performance.now(), ...answer });
    };
    const fail = (error: Error): void => end({ ...NO_ANSWER, detail: error.message });
    const request = httpRequest(options, (message) => {
      readText(message).then((text) => end(answerOf(message, text)), fail);
    });
    request.once('error', fail);
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.end();
  });
}

const NO_ANSWER = { status: 0, hasRetryAfter: false, toldEmail: undefined } as const;
const DETAIL_CHARS_MAX = 200;

async function readText(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk as string;
  return text;
}

function answerOf(
  message: IncomingMessage,
  text: string,
): Pick<Shot, 'status' | 'hasRetryAfter' | 'toldEmail' | 'detail'> {
  const status = message.statusCode ?? 0;
  return {
    status,
    hasRetryAfter: message.headers['retry-after'] !== undefined,
    toldEmail: status === 200 ? toldEmail(text) : undefined,
    detail: status === 200 ? '' : text.slice(0, DETAIL_CHARS_MAX),
  };
}

function toldEmail(text: string): string | undefined {
  const { headerLines = [] } = JSON.parse(text) as { readonly headerLines?: readonly (readonly [string, string])[] };
  return headerLines.find(([name]) => name.toLowerCase() === 'x-email')?.[1];
}
