/**
 * `device`: a device that the subject enrolled: `type` (default `any`), `is` (the id of the credential), `approved` (true: by an
 * administrator; false: not yet).
 * Reasons: device-ok, device-unauthorized, device-unauthenticated (step-up), user-unauthenticated. Source: docs/policy-language.md "device".
 */

import type { Tree } from '../../problem.ts';
import type { DeviceFacts } from '../facts.ts';
import type { DataParser } from '../criterion.ts';
import { criterion } from '../criterion.ts';
import { LOGIN_REASON, reasonSet } from '../reasons.ts';
import type { Outcome, State } from '../reasons.ts';
import { isObject, kindOf } from '../tree.ts';

type Device = NonNullable<ReturnType<DeviceFacts['byType']['get']>>;

type DeviceMatcher = {
  readonly type: string;
  /** `undefined` where there is no device of the type. */
  readonly matches: (device: Device | undefined) => boolean;
};

const DEFAULT_TYPE = 'any';

/** JavaScript's truthiness, which decides what `approved` means in `pomerium`: lists and mappings are true. */
const isTruthy = (data: Tree): boolean => Boolean(data);

const deviceMatcher: DataParser<DeviceMatcher> = {
  form: 'device matcher',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      context.error(path, `expected a mapping with type, is, approved, not ${kindOf(data)}`);
      return undefined;
    }
    for (const field of Object.keys(data)) {
      if (!['type', 'is', 'approved'].includes(field))
        context.error([...path, field], `\`${field}\` says nothing about a device here: use type, is, approved`);
    }
    if (Object.keys(data).length === 0) context.strictly(path, 'an empty matcher tests nothing: say what must match');
    const text = (field: 'type' | 'is'): string | undefined => {
      const value = data[field];
      if (value === undefined || typeof value === 'string') return value;
      context.error([...path, field], `expected a text, not ${kindOf(value)}`);
      return undefined;
    };
    const type = text('type');
    const id = text('is');
    const approved = data['approved'];
    if (approved !== undefined && typeof approved !== 'boolean')
      context.strictly([...path, 'approved'], `expected true or false, not ${kindOf(approved)}`);
    return {
      type: type ?? DEFAULT_TYPE,
      matches: (device) =>
        (approved === undefined || isTruthy(approved) === (device?.approved ?? false)) &&
        (id === undefined || device?.credentialId === id) &&
        (type === undefined || device !== undefined),
    };
  },
};

export const device = criterion({
  name: 'device',
  data: deviceMatcher,
  needs: ['subject', 'device'],
  reads: ['user', 'device'],
  reasons: ['device-ok', 'device-unauthorized', 'device-unauthenticated', LOGIN_REASON],
  isIdentity: true,
  compile: ({ type, matches }, { semantics }) => {
    const outcome = (state: State, reason: string): Outcome => ({
      state,
      reasons: reasonSet([reason]),
      deviceType: type,
    });
    const ok = outcome('true', 'device-ok');
    const unauthorized = outcome('false', 'device-unauthorized');
    const isStrict = semantics === 'strict';
    const noDevice = outcome(isStrict ? 'curable' : 'false', 'device-unauthenticated');
    const noSubject = outcome(isStrict ? 'curable' : 'false', LOGIN_REASON);
    const holdsWithoutDevice = matches(undefined);
    return ({ subject, device: facts }) => {
      if (subject === undefined) return holdsWithoutDevice && !isStrict ? ok : noSubject;
      const found = facts?.byType.get(type);
      if (found === undefined) return holdsWithoutDevice && !isStrict ? ok : noDevice;
      if (matches(found)) return ok;
      return found.enrolled ? unauthorized : noDevice;
    };
  },
});
