/** Reads what scripts give back. Anything else than what a script can give is a fault of the store, never a value. */

import { DependencyError } from '../../core/ports.ts';
import { tellOfReply } from './corruption.ts';

type Reply = readonly unknown[];

/** The reply is none that the script can give. */
export function unexpected(reply: Reply): DependencyError {
  tellOfReply(reply);
  return new DependencyError('store-corrupt', 'Redis answers what it was not asked for');
}

/** undefined where there is nothing at that place. @throws DependencyError store-corrupt */
export function bytesAt(reply: Reply, index: number): Buffer | undefined {
  const value = reply[index];
  if (value === undefined || value === null) return undefined;
  if (!Buffer.isBuffer(value)) throw unexpected(reply);
  return value;
}

/** @throws DependencyError store-corrupt */
export function textAt(reply: Reply, index: number): string {
  const value = bytesAt(reply, index);
  if (value === undefined) throw unexpected(reply);
  return value.toString('utf8');
}

/** A whole number that was written as text. @throws DependencyError store-corrupt */
export function numberAt(reply: Reply, index: number): number {
  const text = textAt(reply, index);
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw unexpected(reply);
  return value;
}

/** As numberAt; undefined for an empty text. @throws DependencyError store-corrupt */
export const optionalNumberAt = (reply: Reply, index: number): number | undefined =>
  textAt(reply, index) === '' ? undefined : numberAt(reply, index);

/** A yes (1) or no (0). @throws DependencyError store-corrupt */
export function flagAt(reply: Reply, index: number): boolean {
  const value = reply[index];
  if (value !== 0 && value !== 1) throw unexpected(reply);
  return value === 1;
}

/** @throws DependencyError store-corrupt */
export function textsAt(reply: Reply, index: number): readonly string[] {
  const list = reply[index];
  if (!Array.isArray(list)) throw unexpected(reply);
  return list.map((item: unknown) => {
    if (!Buffer.isBuffer(item)) throw unexpected(reply);
    return item.toString('utf8');
  });
}

/** A number as Redis counts. @throws DependencyError store-corrupt */
export function countAt(reply: Reply, index: number): number {
  const value = reply[index];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unexpected(reply);
  return value;
}
