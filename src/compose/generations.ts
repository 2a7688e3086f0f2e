/**
 * Generations: loads the configuration, compiles it, and swaps what is in force, whole or not at all. The last good one stays until a new one
 * is complete; a Check that has begun keeps the one it began with.
 */

import type { Live } from '../answer-check.ts';
import type { ConfigReport, LoadedConfig } from '../adapters/config/load-config.ts';
import { changedServerKeys } from '../adapters/config/server-config.ts';
import { createAssertionSigner } from '../adapters/jose/assertion-signer.ts';
import { createIdentityProvider, type ManagedIdentityProvider } from '../adapters/oidc/create-identity-provider.ts';
import { createSealer } from '../adapters/system/sealer.ts';
import { buildGenerationSteps } from '../core/build-generation.ts';
import type { AccessConfig, IdpConfig } from '../core/config.ts';
import type {
  Clock,
  Entropy,
  Logger,
  OnceRegistry,
  Sealer,
  SealPurpose,
  SessionStore,
  SignedMessages,
  UserFacts,
} from '../core/ports.ts';
import type { LocatedProblem, Problem } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { compileCertificates } from './certificates.ts';
import type { HeldConfig } from './load-in-worker.ts';
import { openRecordSources, sourcesOver, type RecordSources } from './record-sources.ts';
import { runInSlices } from './run-in-slices.ts';

/** What outlives every generation. */
export type Lasting = {
  readonly sessions: SessionStore;
  readonly messages: SignedMessages;
  readonly once: OnceRegistry;
  readonly facts: UserFacts;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
};

export type Compiled = {
  readonly live: Live;
  readonly idps: readonly ManagedIdentityProvider[];
  /** Started. */
  readonly records: RecordSources;
  readonly loaded: Pick<LoadedConfig, 'access' | 'server' | 'files'>;
  /** What compiling has to say; bounded, since a log is no place for thousands of lines. `doorward check` tells everything. */
  readonly warnings: readonly Problem[];
};

/** From a loaded file to what decides, in slices. Providers whose settings did not change are kept, with what they have discovered. */
export async function compile(
  loaded: LoadedConfig | HeldConfig,
  lasting: Lasting,
  before: Compiled | undefined,
): Promise<Result<Compiled, readonly LocatedProblem[]>> {
  const { access, server, files } = loaded;
  const built = await runInSlices(
    buildGenerationSteps({
      config: access,
      routePath: loaded.routePath,
      number: (before?.live.generation.number ?? 0) + 1,
      contentHash: loaded.contentHash,
    }),
  );
  const { certificates, problems } = compileCertificates(loaded, lasting.clock.now());
  if (!built.ok || certificates === undefined) {
    return err(await loaded.locate([...(built.ok ? built.value.warnings : built.error), ...problems]));
  }
  const signer = createAssertionSigner(access.signing_key, access.shared_secret);
  if (!signer.ok) {
    return err(await loaded.locate([{ severity: 'error', path: ['signing_key'], message: signer.error }]));
  }
  const idps = access.idps.map((idp) => keptProvider(idp, before) ?? createIdentityProvider(idp, lasting));
  const ports = { ...lasting, idps, sealer: sealerOf(access, lasting.entropy), signer: signer.value };
  // Last: sources that are open ask on by themselves, so nothing that can fail comes between this and the swap.
  const records = await openRecordSources(access, lasting, before?.records);
  return ok({
    live: { generation: built.value.generation, ports, certificates, records: () => records.snapshots() },
    idps,
    records,
    loaded: { access, server, files },
    warnings: bounded([...problems, ...built.value.warnings]),
  });
}

const WARNINGS_TOLD_MAX = 100;

function bounded(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= WARNINGS_TOLD_MAX) return problems;
  // The sort is stable: warnings first, each kind in its order.
  const told = problems.toSorted((a, b) => Number(a.severity === 'notice') - Number(b.severity === 'notice'));
  const message = `there are ${problems.length - WARNINGS_TOLD_MAX} more warnings and notices: \`doorward check\` lists them all`;
  return [...told.slice(0, WARNINGS_TOLD_MAX), { severity: 'notice', path: [], message }];
}

/** Found by loading and by compiling, in the order of the first. Asked for when the generation is in force: finding places takes time. */
export const warningsOf = async (
  loaded: LoadedConfig | HeldConfig,
  { warnings }: Compiled,
): Promise<readonly LocatedProblem[]> => [...loaded.notices, ...(await loaded.locate(warnings))];

/** What a browser keeps is sealed by `cookie_secret`, what passes between hosts and stores by `shared_secret`. */
const sharedPurposes: ReadonlySet<SealPurpose> = new Set<SealPurpose>(['ticket', 'hold']);

export function sealerOf(access: Pick<AccessConfig, 'cookie_secret' | 'shared_secret'>, entropy: Entropy): Sealer {
  const ofCookies = createSealer(access.cookie_secret, entropy);
  const shared = createSealer(access.shared_secret, entropy);
  const sealerFor = (purpose: SealPurpose): Sealer => (sharedPurposes.has(purpose) ? shared : ofCookies);
  return {
    seal: (purpose, plaintext, context) => sealerFor(purpose).seal(purpose, plaintext, context),
    open: (purpose, sealed, context) => sealerFor(purpose).open(purpose, sealed, context),
  };
}

function keptProvider(idp: IdpConfig, before: Compiled | undefined): ManagedIdentityProvider | undefined {
  const index = before?.loaded.access.idps.findIndex(({ name }) => name === idp.name) ?? -1;
  if (before === undefined || index === -1) return undefined;
  const isSame = JSON.stringify(before.loaded.access.idps[index]) === JSON.stringify(idp);
  return isSame ? before.idps[index] : undefined;
}

export type Reloaded = { /** What was read, to be watched. */ readonly files: LoadedConfig['files'] } & (
  | {
      readonly kind: 'swapped';
      readonly generation: number;
      readonly waitsForRestart: readonly string[];
      readonly warnings: readonly LocatedProblem[];
    }
  | { readonly kind: 'kept'; readonly problems: readonly LocatedProblem[] }
);

/** What is in force. */
export interface Generations {
  current(): Compiled;
  /** Never rejects. One runs after the other; whoever asks while one waits for its turn gets the answer of that one. */
  reload(): Promise<Reloaded>;
  /** What is being loaded is given up, and nothing is swapped any more. */
  close(): void;
}

/** Reads the configuration. `watched`: the files of the generation in force. */
export type LoadNext = (
  watched: readonly string[],
  signal: AbortSignal,
) => Promise<Result<LoadedConfig | HeldConfig, ConfigReport>>;

export function createGenerations(first: Compiled, lasting: Lasting, load: LoadNext): Generations {
  let current = first;
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Reloaded> | undefined;
  const over = new AbortController();

  /** All that can fail of a swap. @throws what it ran into; then nothing of `next` is left open, and `before` is as it was. */
  const putIn = (next: Compiled, before: Compiled): readonly string[] => {
    try {
      for (const idp of next.idps) idp.start();
      return changedServerKeys(first.loaded.server, next.loaded.server);
    } catch (error) {
      closeWhatIsOver(next, before);
      throw error;
    }
  };

  /** What `stays` does not have. A fault of one keeps none of the others open: what is in force is so already. */
  const closeWhatIsOver = (done: Compiled, stays: Compiled): void => {
    const closing = [
      ...sourcesOver(done.records, stays.records),
      ...done.idps.filter((idp) => !stays.idps.includes(idp)),
    ];
    for (const each of closing) {
      try {
        each.close();
      } catch (error) {
        lasting.logger.error(
          { error, name: each.name },
          'a fault in Doorward itself: what is over could not be closed',
        );
      }
    }
  };

  /** The server keys that wait for a restart; undefined = it is over. */
  const swap = (next: Compiled): readonly string[] | undefined => {
    if (over.signal.aborted) {
      closeWhatIsOver(next, current);
      return undefined;
    }
    const before = current;
    const waitsForRestart = putIn(next, before);
    current = next;
    closeWhatIsOver(before, next);
    return waitsForRestart;
  };

  const putInForce = async (loaded: LoadedConfig | HeldConfig): Promise<Reloaded> => {
    try {
      const { files } = loaded;
      const compiled = await compile(loaded, lasting, current);
      if (!compiled.ok) return { kind: 'kept', problems: compiled.error, files };
      const waitsForRestart = swap(compiled.value);
      if (waitsForRestart === undefined) return { kind: 'kept', problems: [], files };
      const { number: generation } = compiled.value.live.generation;
      return {
        kind: 'swapped',
        generation,
        waitsForRestart,
        files,
        warnings: await warningsOf(loaded, compiled.value),
      };
    } finally {
      if ('release' in loaded) loaded.release();
    }
  };

  const reloadOnce = async (): Promise<Reloaded> => {
    const { files } = current.loaded;
    try {
      const loaded = await load(
        files.map(({ path }) => path),
        over.signal,
      );
      return loaded.ok ? await putInForce(loaded.value) : { kind: 'kept', ...loaded.error };
    } catch (error) {
      lasting.logger.error({ error }, 'a fault in Doorward itself: the new configuration was not put in force');
      return { kind: 'kept', problems: [], files };
    }
  };

  return {
    current: () => current,
    reload: () => {
      waiting ??= running.then(() => {
        waiting = undefined;
        const next = reloadOnce();
        running = next;
        return next;
      });
      return waiting;
    },
    close: () => {
      over.abort();
    },
  };
}
