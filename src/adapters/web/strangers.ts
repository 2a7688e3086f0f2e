/**
 * The connections to a port of those who have not proved who they are. They are bounded, and the oldest gives way to the newest: whoever holds
 * connections open, in the handshake or by half a request, keeps nobody else out.
 */

import type { Server, Socket } from 'node:net';

/** Each takes some tens of KiB. */
const STRANGERS_MAX = 128;
/** Of those who have proved who they are. */
const ADMITTED_MAX = 32;

export type Strangers = {
  /** Who asks on this connection is known from now on. */
  readonly admitted: (socket: Socket) => void;
  /** Ends the connections of all who are strangers now. */
  readonly dismiss: () => void;
};

export function boundStrangers(server: Server): Strangers {
  /** By the other end, which a connection and the TLS on it have in common; oldest first. */
  const strangers = new Map<string, Socket>();
  server.maxConnections = STRANGERS_MAX + ADMITTED_MAX;
  server.on('connection', (socket: Socket) => {
    const end = otherEnd(socket);
    strangers.set(end, socket);
    socket.once('close', () => {
      if (strangers.get(end) === socket) strangers.delete(end);
    });
    const [oldest] = strangers.values();
    if (strangers.size > STRANGERS_MAX) oldest?.destroy();
  });
  return {
    admitted: (socket) => void strangers.delete(otherEnd(socket)),
    dismiss: () => {
      for (const socket of strangers.values()) socket.destroy();
    },
  };
}

const otherEnd = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
