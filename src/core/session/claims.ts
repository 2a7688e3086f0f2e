/** flattenClaims: claims as a provider gives them (nested JSON) to claims as policies, headers and the assertion see them (names and lists). */

import { DependencyError } from '../ports.ts';
import type { Claims, ClaimValue } from './session.ts';

/** Objects and lists within each other; more than that is no claim that anybody reads. */
const DEPTH_MAX = 16;
/** Scalars, lists and objects in all. A user in some thousands of groups still fits. */
const VALUES_MAX = 10_000;
/** Characters of all names and texts together; a session that is larger does not belong into a store. */
const CHARS_MAX = 131_072;

type ClaimObject = Readonly<Record<string, ClaimValue>>;

/**
 * Names of nested objects are joined by `.`; a list stays one, any other value becomes a list of one; what is inside a list stays as it is. An
 * empty object leaves nothing. Where two ways lead to one name, the less nested one wins.
 *
 * SECURITY: claims beyond the limits are refused whole. Leaving some out could leave out the very one that a policy denies.
 *
 * @throws DependencyError idp-refused
 */
export function flattenClaims(claims: ClaimObject): Claims {
  const flat = new Map<string, readonly ClaimValue[]>();
  const budget = new Budget();
  let level: readonly (readonly [prefix: string, object: ClaimObject])[] = [['', claims]];
  for (let depth = 1; level.length > 0; depth += 1) {
    const next: (readonly [string, ClaimObject])[] = [];
    for (const [prefix, object] of level) {
      for (const [key, value] of Object.entries(object)) {
        const name = prefix + key;
        budget.spend(name.length, depth);
        if (isObject(value)) {
          next.push([`${name}.`, value]);
          continue;
        }
        budget.measure(value, depth);
        if (!flat.has(name)) flat.set(name, isList(value) ? value : [value]);
      }
    }
    level = next;
  }
  return flat;
}

/** Counts what is taken over; throws at the first value beyond a limit, so a hostile input costs no more than an honest one. */
class Budget {
  #values = VALUES_MAX;
  #chars = CHARS_MAX;

  spend(chars: number, depth: number): void {
    this.#values -= 1;
    this.#chars -= chars;
    if (this.#values < 0) throw tooLarge(`have more than ${VALUES_MAX} values`);
    if (this.#chars < 0) throw tooLarge(`have more than ${CHARS_MAX} characters`);
    if (depth > DEPTH_MAX) throw tooLarge(`are nested more than ${DEPTH_MAX} deep`);
  }

  measure(value: ClaimValue, depth: number): void {
    if (typeof value === 'string') this.spend(value.length, depth);
    else if (isList(value)) for (const element of value) this.#within(element, '', depth + 1);
    else if (isObject(value)) for (const [key, inner] of Object.entries(value)) this.#within(inner, key, depth + 1);
  }

  #within(value: ClaimValue, key: string, depth: number): void {
    this.spend(key.length, depth);
    this.measure(value, depth);
  }
}

const tooLarge = (how: string): DependencyError =>
  new DependencyError('idp-refused', `the claims of the identity provider ${how}`);

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);

const isObject = (value: ClaimValue): value is ClaimObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
