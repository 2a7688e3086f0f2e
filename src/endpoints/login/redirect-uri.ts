/**
 * Redirect URIs: each identity provider has its own, so that an answer of one can never be taken for an answer of another, also where a
 * provider does not know RFC 9207 (RFC 9700 §4.4.2).
 */

import type { IdpName } from '../../core/units.ts';
import { PATHS } from '../own-paths.ts';

/** The provider that the `idp_*` keys describe. */
const DEFAULT_PROVIDER = 'default';

/** `/.doorward/callback` for the provider called `default`, `/.doorward/callback/<name>` for one of `idps:`. */
export const callbackPath = (idp: IdpName): string =>
  idp === DEFAULT_PROVIDER ? PATHS.callback : `${PATHS.callback}/${encodeURIComponent(idp)}`;
