/**
 * `auth_age`: how long ago the provider says that the subject signed in there (`auth_time`), at most. Where it says nothing of it, that is
 * never recent enough. Reasons: auth-age-ok, auth-age-exceeded (step-up), user-unauthenticated. Source: docs/policy-language.md "auth_age".
 */

import { parseDuration } from '../../duration.ts';
import type { Tree } from '../../problem.ts';
import { criterion, outcome, withoutSubject } from '../criterion.ts';
import type { DataParser } from '../criterion.ts';
import { LOGIN_REASON } from '../reasons.ts';
import type { Outcome } from '../reasons.ts';
import { isRecent } from '../step-up.ts';
import { isObject, kindOf } from '../tree.ts';

const DURATION = /^(?:[0-9]{1,9}(?:s|m|h|d)){1,4}$/;

/** Whole seconds; undefined for anything else. */
function wholeSeconds(data: Tree | undefined): number | undefined {
  if (typeof data !== 'number' && !(typeof data === 'string' && DURATION.test(data))) return undefined;
  const seconds = parseDuration(data);
  return seconds !== undefined && Number.isInteger(seconds) ? seconds : undefined;
}

/** Seconds. */
const maxAge: DataParser<number> = {
  form: 'duration',
  parse(data, context) {
    const { path } = context;
    const before = isObject(data) ? Object.keys(data).filter((field) => field !== 'max') : [];
    for (const field of before) context.error([...path, field], `\`${field}\` says nothing about an age here: use max`);
    const written = isObject(data) ? data['max'] : data;
    const seconds = wholeSeconds(written);
    if (seconds === undefined) {
      const isShown = typeof written === 'string' || typeof written === 'number';
      const got = isShown ? `\`${String(written).slice(0, 40)}\`` : kindOf(written ?? null);
      context.error(
        path,
        `expected a duration of whole seconds, up to ten years, such as 15m or {max: 15m}, not ${got}`,
      );
    }
    return seconds;
  },
};

const recent = outcome('true', 'auth-age-ok');

export const authAge = criterion({
  name: 'auth_age',
  data: maxAge,
  needs: ['subject'],
  reads: ['user', 'auth_time'],
  reasons: ['auth-age-ok', 'auth-age-exceeded', LOGIN_REASON],
  isIdentity: true,
  compile: (seconds, { semantics }) => {
    const tooOld: Outcome = {
      ...outcome(semantics === 'strict' ? 'curable' : 'false', 'auth-age-exceeded'),
      stepUp: { acrValues: undefined, maxAge: seconds },
    };
    const noSubject = withoutSubject(semantics);
    return ({ subject, now }) => {
      if (subject === undefined) return noSubject;
      return isRecent(subject.authTime, seconds, now) ? recent : tooOld;
    };
  },
});
