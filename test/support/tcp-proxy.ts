/**
 * A proxy for one TCP server on loopback that can misbehave: it delays, swallows, corrupts, truncates or resets, in either direction, for
 * connections that are open and for new ones, and can be told otherwise at any time.
 */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as later } from 'node:timers';

export type ProxyBehaviour =
  /** Bytes go through as they are. */
  | { readonly kind: 'pass' }
  /** Both directions are late by so much, in order. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** A black hole: connections stay open, or come about, and nothing goes through. What was swallowed is lost. */
  | { readonly kind: 'drop' }
  /** What the server says is changed; `undefined` swallows the chunk. */
  | { readonly kind: 'corrupt'; readonly change: (fromServer: Buffer) => Buffer | undefined }
  /** The server's next `bytes` bytes of each connection go through, then the connection is reset. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** New connections are reset at once, open ones too. */
  | { readonly kind: 'reset' };

export type TcpProxy = {
  readonly port: number;
  behave(behaviour: ProxyBehaviour): void;
  /** Connections that clients have open now. */
  connections(): number;
  /** Connections that clients have made since the start. */
  accepted(): number;
  /** Says something to every client that nobody asked for. */
  say(bytes: Buffer | string): void;
  close(): Promise<void>;
};

type Link = {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of the server that still go through where connections are truncated. */
  left: number;
};

class Proxy {
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  #behaviour: ProxyBehaviour = { kind: 'pass' };
  #accepted = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  accept(client: Socket): void {
    this.#accepted += 1;
    if (this.#behaviour.kind === 'reset') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#targetPort, '127.0.0.1');
    const link: Link = { client, server, left: bytesLeft(this.#behaviour) };
    this.#links.add(link);
    client.on('data', (chunk) => this.#forward(link, chunk, 'up'));
    server.on('data', (chunk) => this.#forward(link, chunk, 'down'));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#end(link));
      socket.on('close', () => this.#end(link));
    }
  }

  behave(behaviour: ProxyBehaviour): void {
    this.#behaviour = behaviour;
    for (const link of this.#links) {
      link.left = bytesLeft(behaviour);
      if (behaviour.kind === 'reset') this.#reset(link);
    }
  }

  say(bytes: Buffer | string): void {
    for (const { client } of this.#links) client.write(bytes);
  }

  connections(): number {
    return this.#links.size;
  }

  accepted(): number {
    return this.#accepted;
  }

  close(): void {
    for (const link of this.#links) this.#reset(link);
  }

  #forward(link: Link, chunk: Buffer, direction: 'up' | 'down'): void {
    const to = direction === 'up' ? link.server : link.client;
    const behaviour = this.#behaviour;
    switch (behaviour.kind) {
      case 'pass':
        to.write(chunk);
        return;
      case 'delay':
        later(() => to.destroyed || to.write(chunk), behaviour.ms);
        return;
      case 'drop':
        return;
      case 'corrupt': {
        const changed = direction === 'up' ? chunk : behaviour.change(chunk);
        if (changed !== undefined) to.write(changed);
        return;
      }
      case 'truncate':
        this.#truncate(link, chunk, direction);
        return;
      case 'reset':
        this.#reset(link);
    }
  }

  #truncate(link: Link, chunk: Buffer, direction: 'up' | 'down'): void {
    if (direction === 'up') {
      link.server.write(chunk);
      return;
    }
    link.client.write(chunk.subarray(0, link.left));
    link.left -= Math.min(link.left, chunk.length);
    if (link.left === 0) link.client.end(() => this.#reset(link));
  }

  /** One side closed: the other follows. A black hole tells nobody. */
  #end(link: Link): void {
    const isGone = link.client.destroyed;
    if (this.#behaviour.kind === 'drop' && !isGone) return;
    this.#links.delete(link);
    link.client.destroy();
    link.server.destroy();
  }

  #reset(link: Link): void {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.server.destroy();
  }
}

const bytesLeft = (behaviour: ProxyBehaviour): number => (behaviour.kind === 'truncate' ? behaviour.bytes : 0);

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new Proxy(targetPort);
  const server = createServer((client) => proxy.accept(client));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    behave: (behaviour) => proxy.behave(behaviour),
    connections: () => proxy.connections(),
    accepted: () => proxy.accepted(),
    say: (bytes) => proxy.say(bytes),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        proxy.close();
      }),
  };
}
