/**
 * When a provider is discovered: in the background from `start` on until it works, and on demand. A provider that is down is asked no more
 * often than the backoff allows; one that was found stays in use while it is looked up anew.
 */

import { DependencyError, type Clock, type Logger } from '../../core/ports.ts';
import type { Provider } from './discover.ts';
import { failureOf } from './failure.ts';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** Endpoints and algorithms of a provider hardly ever change; keys are looked up apart. */
const REFRESH_AFTER_MS = 3_600_000;

export type ProviderSource = {
  /** @throws DependencyError */
  get(): Promise<Provider>;
  start(): void;
  /** Ends the background work; what is under way is left to its deadline. */
  close(): void;
  /** Why the last attempt failed; undefined after one that worked, or before the first. */
  failure(): string | undefined;
  isFound(): boolean;
};

type Found = { readonly provider: Provider; readonly atMs: number };

export function createProviderSource(
  discover: () => Promise<Provider>,
  idp: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ProviderSource {
  let found: Found | undefined;
  let failed: { readonly error: DependencyError; readonly retryAtMs: number; readonly backoffMs: number } | undefined;
  let attempt: Promise<Provider> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;

  const onFailure = (cause: unknown): DependencyError => {
    const error = failureOf('the identity provider could not be discovered', cause);
    const backoffMs = Math.min(BACKOFF_MAX_MS, failed === undefined ? BACKOFF_FIRST_MS : failed.backoffMs * 2);
    failed = { error, retryAtMs: clock.monotonicMs() + backoffMs, backoffMs };
    logger.warn({ idp, code: error.code }, error.message);
    if (isRunning) {
      clearTimeout(timer);
      timer = setTimeout(() => void tryOnce().catch(() => undefined), backoffMs).unref();
    }
    // Whatever it is (wrong metadata included), a login cannot be judged by it: the provider is not there yet.
    return new DependencyError('idp-unavailable', error.message);
  };

  /** One attempt at a time; everybody who waits, waits for the same. */
  const tryOnce = (): Promise<Provider> => {
    attempt ??= discover()
      .then(
        (provider) => {
          if (failed !== undefined || found === undefined) logger.info({ idp }, 'the identity provider was discovered');
          found = { provider, atMs: clock.monotonicMs() };
          failed = undefined;
          return provider;
        },
        (cause: unknown) => {
          throw onFailure(cause);
        },
      )
      .finally(() => {
        attempt = undefined;
      });
    return attempt;
  };

  const isDue = (): boolean => failed === undefined || clock.monotonicMs() >= failed.retryAtMs;

  return {
    get() {
      if (found !== undefined) {
        const isStale = clock.monotonicMs() - found.atMs > REFRESH_AFTER_MS;
        if (isStale && isDue()) void tryOnce().catch(() => undefined);
        return Promise.resolve(found.provider);
      }
      if (attempt !== undefined || failed === undefined || isDue()) return tryOnce();
      return Promise.reject(new DependencyError('idp-unavailable', failed.error.message));
    },
    start() {
      isRunning = true;
      if (found === undefined) void tryOnce().catch(() => undefined);
    },
    close() {
      isRunning = false;
      clearTimeout(timer);
    },
    failure: () => failed?.error.message,
    isFound: () => found !== undefined,
  };
}
