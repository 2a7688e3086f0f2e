/**
 * The small pieces that the schema of doorward.yaml is made of. Each carries an `errorMessage`: what the value must be, in words that
 * follow the key ("`workers` must be ..."). Editors that know the keyword show it as well.
 */

import { Type } from 'typebox';
import type { TSchema, TUnsafe } from 'typebox';

/** What every key may say about itself. `description` is one paragraph of Markdown; `default` is a value as one would write it. */
export type About = { readonly description: string; readonly default?: unknown; readonly examples?: readonly unknown[] };

export const text = (about: About, limits: { readonly pattern?: string; readonly errorMessage?: string } = {}) =>
  Type.Unsafe<string>({
    type: 'string',
    minLength: 1,
    errorMessage: 'must be text that is not empty (put numbers and yes or no in quotes)',
    ...limits,
    ...about,
  });

export const flag = (about: About) =>
  Type.Unsafe<boolean>({ type: 'boolean', errorMessage: 'must be true or false', ...about });

export const whole = (about: About, range: { readonly minimum: number; readonly maximum: number }) =>
  Type.Unsafe<number>({
    type: 'integer',
    ...range,
    errorMessage: `must be a whole number from ${range.minimum} to ${range.maximum}`,
    ...about,
  });

export const choice = <const Value extends string>(values: readonly Value[], about: About) =>
  Type.Unsafe<Value>({
    type: 'string',
    enum: [...values],
    errorMessage: `must be ${oneOf(values)}`,
    ...about,
  });

/** A single allowed value; `why` says what about the others. */
export const only = <const Value extends string | boolean>(value: Value, why: string, about: About) =>
  Type.Unsafe<Value>({ const: value, errorMessage: `must be ${String(value)}: ${why}`, ...about });

export const oneOf = (values: readonly string[]): string =>
  values.length === 1 ? String(values[0]) : `${values.slice(0, -1).join(', ')} or ${String(values.at(-1))}`;

export const DURATION_PATTERN = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$|^[0-9]+(\\.[0-9]+)?$';

/** `30s`, `1h30m`, `14h`, `500ms`, or a number of seconds. */
export const duration = (about: About) =>
  Type.Unsafe<string | number>({
    anyOf: [
      { type: 'string', pattern: DURATION_PATTERN },
      { type: 'number', exclusiveMinimum: 0 },
    ],
    errorMessage: 'must be a duration such as 30s, 90m or 14h, or a number of seconds',
    ...about,
  });

/** A list of texts; one text is a list of one, and commas separate. `item` says more about each. */
export const textList = (about: About, item: { readonly pattern?: string; readonly errorMessage?: string } = {}) =>
  Type.Unsafe<string | readonly string[]>({
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', items: { ...listItem, ...item } },
    ],
    errorMessage: 'must be a list of texts',
    ...about,
  });

/** A list that narrows: with nothing in it, it could mean all or nothing, and so it is refused. */
export const narrowingList = (about: About) =>
  Type.Unsafe<string | readonly string[]>({
    anyOf: [
      { type: 'string', pattern: '[^\\s,]' },
      { type: 'array', minItems: 1, items: listItem },
    ],
    errorMessage: 'must be a list of texts that is not empty',
    ...about,
  });

/** One value, or a list of which the first makes and all open (rotation). */
export const rotatable = (about: About) =>
  Type.Unsafe<string | readonly string[]>({
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', minItems: 1, items: listItem },
    ],
    errorMessage: 'must be text, or a list of texts that is not empty',
    ...about,
  });

const listItem = { type: 'string', minLength: 1, errorMessage: 'must be text that is not empty' };

/** RFC 9110 §5.6.2 token. */
export const HEADER_NAME_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/** Header name to text. */
export const headerMap = (about: About) =>
  Type.Unsafe<{ readonly [name: string]: string }>({
    type: 'object',
    propertyNames: { pattern: HEADER_NAME_PATTERN, errorMessage: 'must have header names as keys' },
    // RFC 9110 §5.5: a line break in a value would begin another header.
    additionalProperties: {
      type: 'string',
      pattern: '^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f]*$',
      errorMessage: 'must be text without line breaks and control characters',
    },
    errorMessage: 'must be a map of header names to texts',
    ...about,
  });

export const textMap = (about: About) =>
  Type.Unsafe<{ readonly [name: string]: string }>({
    type: 'object',
    additionalProperties: { type: 'string', errorMessage: 'must be text (put numbers and yes or no in quotes)' },
    errorMessage: 'must be a map of names to texts',
    ...about,
  });

/** An object of which every key is known. */
export const section = <Properties extends Readonly<Record<string, TSchema>>>(
  properties: Properties,
  about: About & { readonly minProperties?: number },
) => Type.Object(properties, { additionalProperties: false, errorMessage: 'must be a map of keys', ...about });

/** Accepted with any value: its meaning is somebody else's. */
export const foreign = (description: string): TUnsafe => Type.Unsafe({ description });

/** Known, and refused whatever its value. `reason` follows the key. */
export const refused = (reason: string): TUnsafe =>
  Type.Unsafe({ not: {}, description: `Refused: it ${reason}.`, errorMessage: reason });
