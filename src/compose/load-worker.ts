/**
 * The thread that reads a configuration: bytes, YAML, schema, secrets' files, and what compiling finds in a file that is refused. Answers one
 * request after the other; what it sends is plain data. Must not log: what it has read are secrets.
 */

import { parentPort } from 'node:worker_threads';

import type { LoadedConfig } from '../adapters/config/load-config.ts';
import type { LoadReply, LoadRequest } from './load-messages.ts';
import { load } from './load.ts';

const state: { loaded?: LoadedConfig } = {};

async function answer(request: LoadRequest): Promise<LoadReply> {
  if (request.kind === 'load') {
    const loaded = await load(request.source);
    if (!loaded.ok) return { kind: 'refused', report: loaded.error };
    state.loaded = loaded.value;
    const { access, server, notices, contentHash, files } = loaded.value;
    const { routes, ...globals } = access;
    return { kind: 'loaded', head: { globals, server, notices, contentHash, files, routeCount: routes.length } };
  }
  const { loaded } = state;
  if (loaded === undefined) throw new Error('nothing is loaded');
  if (request.kind === 'locate') return { kind: 'located', problems: loaded.locate(request.problems) };
  const routes = loaded.access.routes.slice(request.from, request.to);
  return { kind: 'routes', routes, paths: routes.map((_, index) => loaded.routePath(request.from + index)) };
}

parentPort?.on('message', (request: LoadRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
