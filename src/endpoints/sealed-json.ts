/** Small values that go through a browser: JSON within a seal. The seal says who made it; the parsers still look at the shape, which an upgrade may change. */

import type { Sealer, SealPurpose } from '../core/ports.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const sealJson = (sealer: Sealer, purpose: SealPurpose, value: Fields, context: string): string =>
  sealer.seal(purpose, JSON.stringify(value), context);

/** The fields; undefined for what was not sealed here for this purpose and context, or is no object. Never throws. */
export function openJson(sealer: Sealer, purpose: SealPurpose, sealed: string, context: string): Fields | undefined {
  const plaintext = sealer.open(purpose, sealed, context);
  if (plaintext === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(plaintext);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

export const textIn = (fields: Fields, name: string): string | undefined => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' ? value : undefined;
};

export const numberIn = (fields: Fields, name: string): number | undefined => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'number' ? value : undefined;
};

export const textsIn = (fields: Fields, name: string): readonly string[] | undefined => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return Array.isArray(value) && value.every((item): item is string => typeof item === 'string') ? value : undefined;
};
