/** flattenClaims: claims as a provider sends them into the form that policies match: nested names joined by `.`, every value a list. */

import type { Claims, ClaimValue } from './session.ts';

/** A token has tens of claims; what is beyond these bounds is left out, and so satisfies no rule. */
const CLAIMS_MAX = 1_000;
const DEPTH_MAX = 16;

/** Pure and total. An empty object has no claims; an empty list is a claim without values. Names of any kind, `__proto__` too, are just names. */
export function flattenClaims(claims: Readonly<Record<string, ClaimValue>>): Claims {
  const flat = new Map<string, readonly ClaimValue[]>();
  const add = (value: ClaimValue | undefined, name: string, depth: number): void => {
    if (value === undefined || flat.size >= CLAIMS_MAX) return;
    if (isList(value)) flat.set(name, value);
    else if (value === null || typeof value !== 'object') flat.set(name, [value]);
    else if (depth < DEPTH_MAX) {
      for (const [key, inner] of Object.entries(value)) add(inner, `${name}.${key}`, depth + 1);
    }
  };
  for (const [name, value] of Object.entries(claims)) add(value, name, 1);
  return flat;
}

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);
