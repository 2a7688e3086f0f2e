/**
 * How ioredis gets its sockets. Its own connector listens for one error of each: a TLS socket can have two (the peer's certificate is refused,
 * then the peer's alert comes in), and the second would end the process. Here every error of a socket has a listener for as long as it lives.
 */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

import { AbstractConnector } from 'ioredis';
import type { Address } from './connection.ts';

/** Of the options of the client, those that say where to. */
type Where = {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: ConnectionOptions;
  readonly disconnectTimeout?: number;
};

export class LastingConnector extends AbstractConnector {
  readonly #where: Where;

  constructor(options: unknown) {
    const where = options as Where;
    super(where.disconnectTimeout ?? 0);
    this.#where = where;
  }

  /** The socket, while it connects. @throws whatever node:tls says of certificate and key, or `locate` */
  override async connect(): Promise<Socket> {
    this.connecting = true;
    const address = await this.locate();
    // ioredis compares this text to know that the client was told to close meanwhile.
    if (!this.#isWanted()) throw new Error('Connection is closed.');
    const socket = this.#dial(address);
    socket.once('error', (error) => {
      this.firstError = error;
    });
    socket.on('error', () => undefined);
    this.stream = socket;
    return socket;
  }

  /** Where to connect to this time. */
  protected locate(): Promise<Address> {
    const { host = 'localhost', port = 6379 } = this.#where;
    return Promise.resolve({ host, port });
  }

  #isWanted(): boolean {
    return this.connecting;
  }

  #dial(address: Address): Socket {
    const { tls } = this.#where;
    // The spread reads the getters of `tls`, and so the files as they are now.
    return tls === undefined ? connectTcp(address) : connectTls({ ...address, ...tls });
  }
}

/** A connector that asks at each connection where to. */
export const connectorBy = (locate: () => Promise<Address>): typeof LastingConnector =>
  class extends LastingConnector {
    protected override locate(): Promise<Address> {
      return locate();
    }
  };
