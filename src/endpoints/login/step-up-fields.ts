/** The demand of a step-up within a sealed value (ask, flow). */

import type { StepUp } from '../../core/policy/step-up.ts';
import { numberIn, textsIn, type Fields } from '../sealed-json.ts';

export const stepUpFields = (stepUp: StepUp | undefined): Fields => ({
  ...(stepUp?.acrValues === undefined ? {} : { a: stepUp.acrValues }),
  ...(stepUp?.maxAge === undefined ? {} : { m: stepUp.maxAge }),
});

export function stepUpIn(fields: Fields): StepUp | undefined {
  const acrValues = textsIn(fields, 'a');
  const maxAge = numberIn(fields, 'm');
  return acrValues === undefined && maxAge === undefined ? undefined : { acrValues, maxAge };
}
