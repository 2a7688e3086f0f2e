/** CanonicalTarget: the one reading of host and path that routes, policies and endpoints see. Made by canonicalise (canonicalise.ts). */

import type { PathRelaxation } from '../config.ts';

export type CanonicalTarget = {
  /** Lower-case, without port and trailing dot. */
  readonly host: string;
  /** Raw path without query, as forwarded to the upstream; what routes match. `*` for OPTIONS, empty for CONNECT. */
  readonly path: string;
  /** `path`, percent-decoded once, but `%2f` as written; U+FFFD for bytes that are not UTF-8. */
  readonly decodedPath: string;
  /** Without `?`; undefined when the target has none. */
  readonly query: string | undefined;
  /** What is only acceptable on a route that relaxes it by name; distinct, in the order of `pathRelaxations`. */
  readonly irregularities: readonly PathRelaxation[];
  /** The path contains `;` parameters, plain or encoded. */
  readonly hasParameters: boolean;
};

/** Why a request is not judged, in plain words for page, log and audit. Never holds client text. */
export type Malformed = { readonly reason: string };
