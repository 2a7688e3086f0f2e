/**
 * Connection options on the way to the upstream. Envoy takes away what a Connection line names, and the line, before anybody is asked; but on
 * an upgrade (WebSocket) it hands both on. A proxy in front of the application would then take away what the line names (RFC 9110 §7.6.1), and
 * with it who calls.
 */

import type { AccessRequest } from '../request/access-request.ts';
import { trimBlanks } from './claim-text.ts';
import { isIdentityName, plainName, type IdentityNames } from './hygiene.ts';

/** The line without options that name an identity header; empty = none is left; undefined = there is none such, so it stays as it came. */
export function connectionForUpstream(
  request: Pick<AccessRequest, 'headers'>,
  { identityNames }: IdentityNames,
): string | undefined {
  const lines = request.headers.lines('connection');
  if (lines.length === 0) return undefined;
  const options = lines.join(',').split(',').map(trimBlanks);
  const kept = options.filter((option) => !isIdentityName(plainName(option), identityNames));
  return kept.length === options.length ? undefined : kept.filter((option) => option !== '').join(', ');
}
