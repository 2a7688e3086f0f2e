/** Slots of a Redis Cluster: which one a key is in, and what a node says of who has which (CLUSTER SLOTS). */

import type { Address } from './connection.ts';

export const SLOTS = 16_384;
/** Far more than a Cluster has. */
const RANGES_MAX = SLOTS;
const MASTERS_MAX = 1000;

/** The slot of a key: CRC-16 (XMODEM) of its first `{...}` that is not empty, else of the whole. Redis Cluster specification, "Hash tags". */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open === -1 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed, 'utf8')) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}

/** By slot; undefined for a slot that nobody has. */
export type SlotOwners = readonly (Address | undefined)[];

const HOST = /^[0-9A-Za-z:._-]{1,255}$/;

/** `asked` stands for a host that the node does not know of itself. undefined for what is no answer to CLUSTER SLOTS. */
export function parseSlots(reply: unknown, asked: Address): SlotOwners | undefined {
  if (!Array.isArray(reply) || reply.length > RANGES_MAX) return undefined;
  const owners: (Address | undefined)[] = Array.from({ length: SLOTS });
  const masters = new Set<string>();
  for (const range of reply as readonly unknown[]) {
    const [first, last, master] = listOf(range);
    const owner = masterOf(master, asked);
    if (owner === undefined || !isSlot(first) || !isSlot(last) || first > last) return undefined;
    masters.add(nameOf(owner));
    owners.fill(owner, first, last + 1);
  }
  return masters.size > MASTERS_MAX ? undefined : owners;
}

export const nameOf = ({ host, port }: Address): string => `${host} ${port}`;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);

const isSlot = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < SLOTS;

function masterOf(master: unknown, asked: Address): Address | undefined {
  const [host, port] = listOf(master);
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) return undefined;
  // Redis 7: null or empty where a node does not know its own address, `?` for a name that is not set.
  if (host === null || (Buffer.isBuffer(host) && host.length === 0)) return { host: asked.host, port };
  const name = Buffer.isBuffer(host) ? host.toString('latin1') : '';
  return HOST.test(name) ? { host: name, port } : undefined;
}
