/** Host patterns with wildcards: each `*` stands for one or more characters, dots included. */

/** Whether a canonical host is of the pattern. Takes the earliest place for each piece, which finds a match if there is one. */
export function matchesHost(pattern: string, host: string): boolean {
  const first = pattern.indexOf('*');
  if (first === -1) return host === pattern;
  const last = pattern.lastIndexOf('*');
  const tail = pattern.slice(last + 1);
  if (!host.startsWith(pattern.slice(0, first)) || !host.endsWith(tail)) return false;
  // One character for the first wildcard; each piece between two needs one more before the next may begin.
  let position = first + 1;
  for (const piece of pattern
    .slice(first + 1, last + 1)
    .split('*')
    .slice(0, -1)) {
    const at = host.indexOf(piece, position);
    if (at === -1) return false;
    position = at + piece.length + 1;
  }
  return position <= host.length - tail.length;
}

/** What every host of the pattern ends with, from a dot on: `.example.com` for `app-*.example.com`; '' where there is no such thing. */
export function tailOf(pattern: string): string {
  const afterWildcard = pattern.slice(pattern.lastIndexOf('*') + 1);
  const dot = afterWildcard.indexOf('.');
  return dot === -1 ? '' : afterWildcard.slice(dot);
}
