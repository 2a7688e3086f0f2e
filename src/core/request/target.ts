/** CanonicalTarget: the one reading of host and path that routes, policies and endpoints see. Made by canonicalise (canonicalise.ts). */

import type { PathRelaxation } from '../config.ts';

export type CanonicalTarget = {
  /** Lower-case, without port and trailing dot. */
  readonly host: string;
  /** Raw path without query, as forwarded to the upstream; what routes match. */
  readonly path: string;
  /** `path`, percent-decoded once. */
  readonly decodedPath: string;
  /** Without `?`; undefined when the target has none. */
  readonly query: string | undefined;
  /** What is only acceptable on a route that relaxes it by name. */
  readonly irregularities: readonly PathRelaxation[];
  /** The path contains `;` parameters. */
  readonly hasParameters: boolean;
};
