/** Doorward under load: the Check server over the scene. Argument: a folder for its files. Prints its port and the request to play. */

import { createCheckServer } from '../dist/adapters/envoy/check-server.js';
import { buildScene } from './scene.mjs';

const scene = await buildScene(process.argv[2] ?? '.');
const server = await createCheckServer({
  handler: scene.handler,
  address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  tls: undefined,
  insecure: false,
  inFlightMax: 10_000,
  logger: { debug: () => undefined, info: () => undefined, warn: console.error, error: console.error },
});
process.stdout.write(`${JSON.stringify({ port: server.port, request: scene.request.toString('base64') })}\n`);
process.on('SIGTERM', async () => {
  await server.drain(1000);
  await scene.stream.flush();
  process.exit(0);
});
