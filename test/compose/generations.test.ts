/** What is in force: swapped whole, or left whole with all that belongs to it. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { createMemoryOnceRegistry } from '../../src/adapters/memory/once-registry.ts';
import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { createMemoryUserFacts } from '../../src/adapters/memory/user-facts.ts';
import type { ManagedIdentityProvider } from '../../src/adapters/oidc/create-identity-provider.ts';
import { compile, createGenerations } from '../../src/compose/generations.ts';
import type { Compiled, Generations, Lasting } from '../../src/compose/generations.ts';
import { load } from '../../src/compose/load.ts';
import { closeRecordSources } from '../../src/compose/record-sources.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';

const SECRET = 'MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=';

let folder: TemporaryFolder;
let configFile: string;
let logged: unknown[][];
let lasting: Lasting;
let server: Server | undefined;
beforeEach(() => {
  folder = temporaryFolder();
  configFile = join(folder.path, 'doorward.yaml');
  writeFileSync(join(folder.path, 'people.json'), '[{"id":"alice"}]');
  logged = [];
  const clock = { now: () => epochSeconds(1_800_000_000), monotonicMs: () => performance.now() };
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  lasting = {
    sessions: createMemorySessionStore({ clock }),
    once: createMemoryOnceRegistry({ clock }),
    facts: createMemoryUserFacts({ clock }),
    messages: { verify: () => Promise.resolve({ ok: false, error: 'no keys' }) },
    clock,
    entropy: { bytes: (count: number) => new Uint8Array(count) },
    logger: { ...silent, error: (...said: readonly unknown[]) => void logged.push([...said]) },
  };
});
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
  folder.remove();
});

const idp = (name: string): string =>
  `{ name: ${name}, url: https://${name}.example.com/, client_id: doorward, client_secret: s3cret-of-the-client }`;

function writeConfig(idps: readonly string[], records: string): void {
  writeFileSync(
    configFile,
    `cookie_secret: ${SECRET}
shared_secret: ${SECRET}
idps: [${idps.map(idp).join(', ')}]
records: ${records}
routes: [{ from: 'https://app.example.com', allow_any_authenticated_user: true }]
`,
  );
}

async function loaded(): Promise<Extract<Awaited<ReturnType<typeof load>>, { ok: true }>> {
  const read = await load({ configFile, env: {} });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read;
}

type Calls = { readonly calls: string[] };

/** What was compiled of the file, with providers and sources that note what is done with them. */
async function observed(faults: readonly string[] = []): Promise<Compiled & Calls> {
  const compiled = await compile((await loaded()).value, lasting, undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  closeRecordSources(compiled.value.records);
  const { idps, records } = compiled.value;
  const calls: string[] = [];
  const call = (what: string): void => {
    calls.push(what);
    if (faults.includes(what)) throw new TypeError(what);
  };
  return {
    ...compiled.value,
    calls,
    idps: idps.map((each): ManagedIdentityProvider => ({
      ...each,
      start: () => {
        call(`start ${each.name}`);
      },
      close: () => {
        call(`close ${each.name}`);
      },
    })),
    records: {
      ...records,
      sources: records.sources.map((source) => ({
        name: source.name,
        snapshot: () => source.snapshot(),
        status: () => source.status(),
        start: () => source.start(),
        close: () => {
          call(`close records ${source.name}`);
        },
      })),
    },
  };
}

const generationsOf = (first: Compiled): Generations => createGenerations(first, lasting, () => loaded());

describe('a swap that a fault interrupts', () => {
  test('leaves the generation before whole with its sources, and closes those that are new', async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const hanging = new Promise<unknown>((resolve) => {
      server?.on('request', (_request, response) => response.on('close', resolve));
    });
    const { port } = server.address() as AddressInfo;
    writeConfig(['corp'], '{ people: { file: people.json } }');
    const first = await observed(['start corp']);
    const generations = generationsOf(first);
    writeConfig(['corp', 'other'], `{ hr: { url: 'http://127.0.0.1:${port}/', timeout: 60s } }`);

    expect(await generations.reload()).toMatchObject({ kind: 'kept' });
    expect(generations.current()).toBe(first);
    expect(first.calls).toEqual(['start corp']);
    expect(first.live.records().get('people')?.table.rows).toBe(1);
    // The question that was under way is given up.
    await hanging;
    expect(logged).toHaveLength(1);
    generations.close();
  });

  test('is done with all the same where something of the generation before cannot be closed, and that is told', async () => {
    writeConfig(['corp', 'old'], '{ people: { file: people.json }, more: { file: people.json } }');
    const first = await observed(['close records people', 'close corp']);
    const generations = generationsOf(first);
    writeConfig(['new'], '{}');

    expect(await generations.reload()).toMatchObject({ kind: 'swapped', generation: 2 });
    expect(generations.current().live.generation.number).toBe(2);
    expect(first.calls).toEqual(['close records people', 'close records more', 'close corp', 'close old']);
    expect(logged).toHaveLength(2);
    for (const each of generations.current().idps) each.close();
    generations.close();
  });
});

test('after a swap only what the next generation does not have is closed', async () => {
  writeConfig(['corp', 'old'], '{ people: { file: people.json }, more: { file: people.json } }');
  const first = await observed();
  const generations = generationsOf(first);
  writeConfig(['corp'], '{ people: { file: people.json } }');

  expect(await generations.reload()).toMatchObject({ kind: 'swapped' });
  expect(first.calls).toEqual(['start corp', 'close records more', 'close old']);
  generations.close();
});
