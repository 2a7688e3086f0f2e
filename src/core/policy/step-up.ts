/** StepUp: what a new sign-in would have to show for a policy to allow. Made when a policy is loaded, joined only where a request is not allowed. */

export type StepUp = {
  /** Values of `acr`, one of which is needed; undefined = any will do. Never empty. */
  readonly acrValues: readonly string[] | undefined;
  /** Seconds since the sign-in at the provider, at most; undefined = any age will do. */
  readonly maxAge: number | undefined;
};

/** All parts are needed, or one is enough. */
export type Joins = 'all' | 'any';

/**
 * What cures both, or one of them; undefined = no sign-in does. What is not about the sign-in (a device) has no demand and is not cured by
 * one. Of alternatives the first counts.
 */
export const joinStepUps = (joins: Joins, a: StepUp | undefined, b: StepUp | undefined): StepUp | undefined =>
  joins === 'any' ? (a ?? b) : strictest(a, b);

function strictest(a: StepUp | undefined, b: StepUp | undefined): StepUp | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return a;
  const acrValues =
    a.acrValues === undefined || b.acrValues === undefined
      ? (a.acrValues ?? b.acrValues)
      : a.acrValues.filter((value) => b.acrValues?.includes(value));
  if (acrValues?.length === 0) return undefined;
  const maxAge =
    a.maxAge === undefined || b.maxAge === undefined ? (a.maxAge ?? b.maxAge) : Math.min(a.maxAge, b.maxAge);
  return { acrValues, maxAge };
}

/** By so many seconds the provider's clock may be ahead; a time further in the future says nothing of when somebody signed in. */
const AHEAD_SECONDS_MAX = 60;

/** Whether the time of a sign-in (epoch seconds) is known, and `maxAge` seconds ago at most. */
export function isRecent(authTime: number | undefined, maxAge: number, now: number): boolean {
  if (authTime === undefined) return false;
  const age = now - authTime;
  return age >= -AHEAD_SECONDS_MAX && age <= maxAge;
}

/** Whether a sign-in shows what is asked for. The policy judges by the same clock, so there is no tolerance: it would only ask again. */
export const meetsStepUp = (
  { acrValues, maxAge }: StepUp,
  signedIn: { readonly authTime: number | undefined; readonly acr: string | undefined },
  now: number,
): boolean =>
  (acrValues === undefined || (signedIn.acr !== undefined && acrValues.includes(signedIn.acr))) &&
  (maxAge === undefined || isRecent(signedIn.authTime, maxAge, now));
