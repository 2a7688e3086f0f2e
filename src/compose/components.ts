/** What /readyz?verbose tells: the configuration, the session store, providers and sources of records. */

import type { Component } from '../adapters/web/ops-server.ts';
import type { Clock } from '../core/ports.ts';
import type { Compiled } from './generations.ts';
import { recordComponents } from './record-sources.ts';
import type { Stores } from './stores.ts';

/** /readyz must not hang on a store that does. */
const PING_MS = 1_000;

/** Ready = policy and keys are loaded. A store or provider that is out of reach shows here, and does not make Doorward unready. */
export async function componentsOf(
  { live, idps, records }: Compiled,
  stores: Stores,
  { clock, isDraining }: { readonly clock: Clock; readonly isDraining: boolean },
): Promise<readonly Component[]> {
  const { generation } = live;
  return [
    {
      name: 'configuration',
      required: true,
      ok: !isDraining,
      detail: isDraining ? 'draining' : `generation ${generation.number}, ${generation.routes.routes.length} routes`,
    },
    await storeComponent(stores),
    ...outsideComponents(stores.outside),
    ...idps.map((idp): Component => {
      const status = idp.status();
      const detail = typeof status === 'string' ? status : status.failed;
      return { name: `idp ${idp.name}`, required: false, ok: status === 'ready', detail };
    }),
    ...recordComponents(records, clock.now()),
  ];
}

async function storeComponent({ kind, sessions }: Stores): Promise<Component> {
  const name = `session store (${kind})`;
  try {
    await Promise.race([sessions.ping(), rejectAfter(PING_MS)]);
    return { name, required: false, ok: true, detail: 'answers' };
  } catch {
    return { name, required: false, ok: false, detail: 'does not answer' };
  }
}

/** None of these makes a process unready: without its store it serves what needs none. */
function outsideComponents(outside: Stores['outside']): readonly Component[] {
  if (outside === undefined) return [];
  const health = outside.health();
  const { leftMs } = outside.lease();
  const evicting = Math.max(...Object.values(health).map((each) => each.evicting));
  return [
    ...Object.entries(health).map(([use, { circuits, openings }]): Component => {
      const detail = `circuit ${circuits.join(', ')}; opened ${openings} times`;
      return { name: `redis ${use}`, required: false, ok: circuits.every((circuit) => circuit === 'closed'), detail };
    }),
    {
      name: 'redis maxmemory-policy',
      required: false,
      ok: evicting === 0,
      detail: evicting === 0 ? 'no node is known to evict' : `${evicting} nodes may drop sessions and revocations`,
    },
    {
      name: 'lease on sessions',
      required: false,
      ok: leftMs > 0,
      detail: leftMs > 0 ? `held for ${Math.ceil(leftMs)} ms more` : 'none',
    },
  ];
}

const rejectAfter = (ms: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => {
      reject(new Error('too late'));
    }, ms).unref();
  });
