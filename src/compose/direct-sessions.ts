/** `doorward session --direct`: the admin API of a service, carried out by this very process against the Redis of its configuration. */

import { hostname } from 'node:os';

import { createDirectSessions, type DirectSessions } from '../adapters/redis/direct-sessions.ts';
import type { LoadedConfig } from '../adapters/config/load-config.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemEntropy } from '../adapters/system/entropy.ts';
import { systemTimers } from '../adapters/system/timers.ts';
import { createAdminApi, type AdminApi } from '../adapters/web/admin-api.ts';
import type { AskAdmin } from '../adapters/web/admin-client.ts';
import type { Administrator } from '../core/audit/change-record.ts';
import { ok } from '../core/result.ts';
import { openOutputs, type Outputs } from './outputs.ts';

const thisUser = (): Administrator => ({ via: 'direct', uid: process.getuid?.(), host: hostname() });

export type DirectAccess = {
  readonly ask: AskAdmin;
  /** @throws Error with a sentence where what was done is not in the audit */
  readonly close: () => Promise<void>;
};

/** @throws Error with a sentence where there is no such Redis, it cannot or must not be used, or the audit cannot be opened */
export async function openDirectly({ server, access }: LoadedConfig): Promise<DirectAccess> {
  const { redis, audit } = server;
  if (server.session_store !== 'redis' || redis === undefined)
    throw new Error(
      'the session store is memory, which is in the service alone: only the service can be asked (without --direct)',
    );
  // Stdout has the answer, and nobody collects it as the audit of a service.
  const outputs = openAudit(audit.destination === 'stdout' ? 'stderr' : audit.destination);
  const { logger } = outputs;
  const parts = {
    clock: systemClock,
    timers: systemTimers,
    entropy: systemEntropy,
    logger,
    secrets: access.shared_secret,
  };
  let sessions: DirectSessions;
  try {
    sessions = await connected(createDirectSessions({ ...parts, redis, replicas: redis.replicas }));
  } catch (error) {
    await outputs.close();
    throw error;
  }
  const idps = (): readonly string[] => access.idps.map(({ name }) => name);
  const api = createAdminApi({
    sessions,
    idps,
    audit: outputs.audit,
    clock: systemClock,
    entropy: systemEntropy,
    logger,
  });
  return { ask: asking(api), close: () => closing(sessions, outputs) };
}

function openAudit(destination: string): Outputs {
  try {
    return openOutputs(destination, 'warn');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'a fault';
    throw new Error(`the audit ${destination} cannot be opened (${why}), so nothing was changed`, { cause: error });
  }
}

async function connected(sessions: DirectSessions): Promise<DirectSessions> {
  const whyNot = await sessions.whyNot();
  if (whyNot === undefined) return sessions;
  await sessions.close();
  throw new Error(whyNot);
}

const asking =
  (api: AdminApi): AskAdmin =>
  (method, path, body) =>
    api({ method, target: path, by: thisUser(), body: () => Promise.resolve(ok(body)) });

async function closing(sessions: DirectSessions, outputs: Outputs): Promise<void> {
  await sessions.close();
  await outputs.close();
  if (outputs.audit.isFull()) throw new Error('the audit could not be written: what was done is not in it');
}
