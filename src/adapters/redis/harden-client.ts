/**
 * Makes ioredis survive replies that nobody asked for. It rethrows what goes wrong while it hands out a reply as an uncaught exception of the
 * process (e.g. a null that answers no command, or a malformed push); here such a connection is given up instead, like one that speaks no RESP.
 */

import * as dataHandlerModule from 'ioredis/built/DataHandler.js';

type DataHandler = { returnFatalError(error: unknown): void };

/** A CommonJS module seen from ESM has its exports one level deeper than seen from CommonJS. */
function dataHandlerPrototype(): object {
  const { default: exported } = dataHandlerModule as unknown as { default: { default?: unknown } | (() => unknown) };
  const found = typeof exported === 'function' ? exported : exported.default;
  if (typeof found !== 'function' || !('dispatch' in found.prototype)) {
    throw new Error('this version of ioredis hands out replies in another way');
  }
  return found.prototype as object;
}

/** Affects every ioredis client of the process; calling it again changes nothing. */
export function hardenClients(): void {
  Object.defineProperty(dataHandlerPrototype(), 'dispatch', {
    configurable: true,
    writable: true,
    value(this: DataHandler, handOut: () => void): void {
      try {
        handOut();
      } catch (error) {
        this.returnFatalError(error);
      }
    },
  });
}
