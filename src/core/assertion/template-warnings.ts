/** What a header template says that can never stand for anything; worth a word when it is loaded. */

import type { Problem, TreePath } from '../problem.ts';
import { parseHeaderTemplate } from './header-template.ts';
import { isKnownReference } from './references.ts';

/**
 * One warning for each header of `set_request_headers` with such a reference. `path`: where the map stands.
 * SECURITY: the reference is not told: behind a `$` that was meant as itself there may be the rest of a secret.
 */
export function templateWarnings(headers: { readonly [name: string]: string }, path: TreePath): readonly Problem[] {
  return Object.entries(headers).flatMap(([name, value]): readonly Problem[] => {
    const { references } = parseHeaderTemplate(value);
    const unknown = references.findIndex((reference) => !isKnownReference(reference));
    if (unknown === -1) return [];
    const which = references.length === 1 ? 'its reference' : `reference ${unknown + 1}`;
    const message = `\`${name}\`: ${which} stands for nothing: known are those below \`pomerium.\`, \`doorward.\`, \`user.\`, \`claims.\`, and \`groups\`; write \`$$\` for a dollar sign`;
    return [{ severity: 'warning', path: [...path, name], message }];
  });
}
