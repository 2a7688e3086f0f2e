/**
 * Finds the master that sentinels name. They are asked one after the other, each time beginning with the next, so that one that is cut off and
 * names a master of the past holds up one attempt. Whether it is a master, the node itself is asked (hello.ts).
 */

import { DependencyError, isDependencyError } from '../../core/ports.ts';
import type { AskOnce } from './ask-once.ts';
import type { Address } from './connection.ts';

/** A host name or address; what a sentinel says is not trusted to be one. */
const HOST = /^[0-9A-Za-z:._-]{1,255}$/;

export class Sentinels {
  readonly #nodes: readonly Address[];
  readonly #masterName: string;
  readonly #ask: AskOnce;
  #next = 0;
  #underWay: Promise<Address> | undefined;

  constructor(options: { readonly nodes: readonly Address[]; readonly masterName: string; readonly ask: AskOnce }) {
    this.#nodes = options.nodes;
    this.#masterName = options.masterName;
    this.#ask = options.ask;
  }

  /** One search at a time, whoever asks. @throws DependencyError */
  master(): Promise<Address> {
    this.#underWay ??= this.#find().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #find(): Promise<Address> {
    let reason = 'none is known';
    for (let tries = 0; tries < this.#nodes.length; tries += 1) {
      const sentinel = this.#nodes[this.#next % this.#nodes.length];
      this.#next += 1;
      if (sentinel === undefined) break;
      try {
        const told = await this.#ask(sentinel, 'SENTINEL', ['get-master-addr-by-name', this.#masterName]);
        const master = addressOf(told);
        if (master !== undefined) return master;
        reason = 'one does not know the master';
      } catch (error) {
        if (!isDependencyError(error)) throw error;
        reason = error.message;
      }
    }
    throw new DependencyError('store-unavailable', `no sentinel names the master of Redis (${reason})`);
  }
}

function addressOf(reply: unknown): Address | undefined {
  if (!Array.isArray(reply) || reply.length !== 2) return undefined;
  const [host, port] = reply.map((part: unknown) => (Buffer.isBuffer(part) ? part.toString('latin1') : ''));
  if (host === undefined || port === undefined || !HOST.test(host) || !/^[0-9]{1,5}$/.test(port)) return undefined;
  return Number(port) >= 1 && Number(port) <= 65535 ? { host, port: Number(port) } : undefined;
}
