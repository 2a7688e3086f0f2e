/** Headers that every answer of Doorward's own carries, whatever its format. */

type Header = readonly [name: string, value: string];

/** Tells an answer of Doorward from one of the upstream, for clients, tests and access logs. It proves nothing. */
export const MARKER_HEADER = 'x-doorward-response';

/** Never stored (an answer is about this request and this moment only) and never guessed to be another type. */
export const ownHeaders = (contentType: string): readonly Header[] => [
  ['content-type', contentType],
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  [MARKER_HEADER, 'true'],
];
