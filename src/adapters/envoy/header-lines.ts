/** HeaderLines over the bytes of a CheckRequest, in both forms in which Envoy sends headers. Reads when asked and keeps nothing. */

import type { HeaderLines } from '../../core/request/access-request.ts';
import type { EntryIndex } from './entry-index.ts';

/**
 * `apart`: the entries are a `header_map`, in which each line is an entry; else a `headers` map, in which a name has one. Envoy sends lower-case
 * names; others are read as if they were.
 */
export const headerLines = (entries: EntryIndex, apart: boolean): HeaderLines => ({
  lines(name) {
    if (apart) return entries.all(name);
    const value = entries.last(name);
    return value === undefined ? [] : [value];
  },
  names: () => [...new Set(entries.keys().map((key) => key.toLowerCase()))],
});
