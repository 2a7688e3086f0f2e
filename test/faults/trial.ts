/** How trials are played and counted: lanes side by side, and the numbers of what they found. */

import type { AskAdmin } from '../../src/adapters/web/admin-client.ts';

/** `return`: measured by the caller; `service`: as the service told it. ms. */
export type Revoked =
  | { readonly kind: 'confirmed'; readonly returnMs: number; readonly serviceMs: number; readonly acknowledged: number }
  | { readonly kind: 'not-confirmed' };

const OK = 200;
const NOT_CONFIRMED = 503;

/** @throws Error for an answer that is neither */
export async function revoke(ask: AskAdmin, path: string, body: Readonly<Record<string, string>>): Promise<Revoked> {
  const startedAt = performance.now();
  const { status, body: answer } = await ask('POST', path, body);
  const returnMs = performance.now() - startedAt;
  if (status === NOT_CONFIRMED) return { kind: 'not-confirmed' };
  if (status !== OK) throw new Error(`a revocation was answered by ${status}: ${JSON.stringify(answer)}`);
  const { tookMs, acknowledged } = answer as { readonly tookMs: number; readonly acknowledged: number };
  return { kind: 'confirmed', returnMs, serviceMs: tookMs, acknowledged };
}

/** Plays `count` of them, `lanes` at a time. */
export async function inLanes(count: number, lanes: number, play: (place: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await play(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

/** `p50 4.1 ms, p99 18.0 ms, max 40.2 ms`. */
export function spreadOf(values: readonly number[]): string {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number): string => `${percentile(sorted, share).toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`;
}

/** How often each status was answered: `{"401":20000}`. */
export class Statuses {
  readonly #counts = new Map<number, number>();

  add(status: number): void {
    this.#counts.set(status, this.of(status) + 1);
  }

  of(status: number): number {
    return this.#counts.get(status) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toString(): string {
    return JSON.stringify(Object.fromEntries(this.#counts));
  }
}

/** Past jest's own console, which adds where it was called. */
export const tell = (line: string): void => void process.stderr.write(`    ${line}\n`);
