/** The OpenID provider of tools/demo/oidc-provider.mjs as a program beside the tests (`oidc-provider` is ESM only, which jest is not). */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { waitFor } from './wait.ts';

export type OidcProviderOptions = {
  /** Absent = any free one. */
  readonly port?: number;
  readonly clientId: string;
  /** Absent = a public client. */
  readonly clientSecret?: string;
  readonly clientAuthentication?: 'client_secret_basic' | 'client_secret_post';
  /** Of the hosts that people sign in to; callback and signed-out page of each are registered. */
  readonly origins: readonly string[];
  /** As `idps:` calls it, if it is not `default`: its callback has the name in its path. */
  readonly providerName?: string;
  readonly claimsInIdToken?: boolean;
  readonly accessTokenSeconds?: number;
  /** Where the client is told of logouts here; `ca`: the authority of its certificate (PEM). */
  readonly logout?: { readonly origin: string; readonly ca?: string };
};

export type ProviderEndpoint =
  'discovery' | 'authorization' | 'token' | 'jwks' | 'userinfo' | 'revocation' | 'end_session';

/** In place of the provider's answer, or before it (`delayMs` alone). */
export type ProviderFault =
  | { readonly hang: true }
  | { readonly delayMs: number }
  | {
      readonly status: number;
      readonly body?: string;
      readonly contentType?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly delayMs?: number;
    };

export type ProviderRequests = Readonly<Partial<Record<ProviderEndpoint | 'refreshed' | 'refresh_refused', number>>>;

export type RunningOidcProvider = {
  readonly issuer: string;
  /** Replaces the faults that were set before. */
  setFaults(faults: Readonly<Partial<Record<ProviderEndpoint, ProviderFault>>>): Promise<void>;
  /**
   * Changes or adds a user; the claims as userinfo shows them. No claims: `reaches`, the values of `acr` that the user can reach,
   * `signedInSecondsAgo`, how old each sign-in is from its beginning, and `disabled`, nobody any more.
   */
  setUser(user: { readonly login: string; readonly [claim: string]: unknown }): Promise<void>;
  /** `refreshed` and `refresh_refused`: what came of refresh tokens at the token endpoint. */
  requests(): Promise<ProviderRequests>;
  stop(): Promise<void>;
};

const PROGRAM = join(__dirname, '../../tools/demo/oidc-provider.mjs');
const STOP_TIMEOUT_MS = 5000;

export async function startOidcProvider(options: OidcProviderOptions): Promise<RunningOidcProvider> {
  const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-100_000)));
  }
  const issuer = await waitFor(
    'the OpenID provider',
    () => {
      if (child.exitCode !== null) throw new Error(`the OpenID provider ended before it was ready:\n${output}`);
      return /^\{"issuer":"([^"]+)"\}$/m.exec(output)?.[1];
    },
    20_000,
  );

  let lastId = 0;
  const call = (name: 'setFaults' | 'setUser' | 'requests', value: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const id = (lastId += 1);
      const onMessage = (message: unknown): void => {
        const answer = message as { readonly id: number; readonly value: unknown };
        if (answer.id !== id) return;
        child.off('message', onMessage);
        resolve(answer.value);
      };
      child.on('message', onMessage);
      child.send({ id, call: name, value });
    });

  return {
    issuer,
    async setFaults(faults) {
      await call('setFaults', faults);
    },
    async setUser(user) {
      await call('setUser', user);
    },
    requests: async () => (await call('requests', undefined)) as ProviderRequests,
    async stop() {
      process.off('exit', killWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill('SIGTERM');
      await once(child, 'exit');
      clearTimeout(hard);
    },
  };
}
