/**
 * The stored form of a fact of a user in Redis: `<its time in ms>|<sealed, base64url>`. The time is there for scripts to compare, and sealed as
 * well; the seal is bound to the owner and the field, so that no value passes for another.
 */

import { createCipheriv, hkdfSync } from 'node:crypto';
import type { Entropy } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isObject } from '../../core/signals/signed-message.ts';
import { fieldOf, isRiskLevel, type UserFact } from '../../core/signals/user-fact.ts';
import { epochSeconds } from '../../core/units.ts';
import { decrypt, recordKey } from './record.ts';
import { FACT_BYTES_MAX } from './scripts.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The time of a fact, as scripts compare it. */
export const orderOf = ({ at }: Pick<UserFact, 'at'>): number => Math.max(0, Math.floor(at * 1000));

/** `key`: the place in Redis; `secrets`: the first seals. @throws RangeError without a secret */
export function sealFact(key: string, fact: UserFact, secrets: readonly string[], entropy: Entropy): string {
  const [secret] = secrets;
  if (secret === undefined || secret === '') throw new RangeError('facts need at least one secret, none empty');
  const field = fieldOf(fact);
  const nonce = entropy.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', factKey(secret, key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(key, field));
  const sealed = [nonce, cipher.update(JSON.stringify(fact), 'utf8'), cipher.final(), cipher.getAuthTag()];
  return `${orderOf(fact)}|${Buffer.concat(sealed).toString('base64url')}`;
}

/** Total: truncated, foreign, swapped... is an error value. */
export function openFact(
  key: string,
  { field, value }: { readonly field: string; readonly value: string },
  secrets: readonly string[],
): Result<UserFact, string> {
  const [, order, sealed] = /^([0-9]{1,16})\|([A-Za-z0-9_-]{40,})$/.exec(value.slice(0, FACT_BYTES_MAX)) ?? [];
  if (sealed === undefined) return err('a stored fact of a user has another form');
  for (const secret of secrets) {
    const opened = decrypt(factKey(secret, key), associatedData(key, field), Buffer.from(sealed, 'base64url'));
    const fact = opened === undefined ? undefined : factIn(opened.toString('utf8'));
    if (fact !== undefined && fieldOf(fact) === field && String(orderOf(fact)) === order) return ok(fact);
  }
  return err('a stored fact of a user has not been sealed here for this key');
}

function factIn(text: string): UserFact | undefined {
  const stored: unknown = JSON.parse(text);
  if (!isObject(stored)) return undefined;
  const { about, scope, level, at } = stored;
  if (about !== 'risk' && about !== 'device' && about !== 'assurance') return undefined;
  if (typeof scope !== 'string' || !isRiskLevel(level) || typeof at !== 'number') return undefined;
  return { about, scope, level, at: epochSeconds(at) };
}

const associatedData = (key: string, field: string): Uint8Array => Buffer.from(`doorward fact v1\0${key}\0${field}`);

const factKey = (secret: string, key: string): Uint8Array =>
  recordKey(new Uint8Array(hkdfSync('sha256', secret, '', 'doorward fact v1', 32)), key);
