/** The sockets that ioredis is given: no error of one, however many it has, may end the process. */

import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { LastingConnector } from '../../../src/adapters/redis/connector.ts';

let server: Server;
let port = 0;

beforeAll(async () => {
  server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test('a second error of a socket has a listener too, and the first one is remembered', async () => {
  const connector = new LastingConnector({ host: '127.0.0.1', port });
  const socket = await connector.connect();
  // As ioredis does.
  socket.once('error', () => undefined);
  expect(() => socket.emit('error', new Error('refused the certificate'))).not.toThrow();
  expect(() => socket.emit('error', new Error('alert of the peer'))).not.toThrow();
  expect(connector.firstError?.message).toBe('refused the certificate');
  socket.destroy();
});

test('a connector that was told to disconnect gives no socket', async () => {
  const connector = new LastingConnector({ host: '127.0.0.1', port });
  const socket = connector.connect();
  connector.disconnect();
  await expect(socket).rejects.toThrow('Connection is closed.');
});

test('TLS settings that cannot be used are a rejection', async () => {
  const connector = new LastingConnector({ host: '127.0.0.1', port, tls: { cert: 'half a certificate' } });
  await expect(connector.connect()).rejects.toThrow();
});
