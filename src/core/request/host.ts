/** The canonical host of an authority: what routes, cookies and URLs are about. What could be read as two hosts has none. */

import { formatIp, parseIp } from './ip-address.ts';

/** RFC 1035 §2.3.4, without the trailing dot. */
const NAME_LENGTH_MAX = 253;

const DOT = 0x2e;

/** 1 = may stand in a canonical host name as it is: a-z, 0-9, `-`, `.`, `_`. */
const IN_NAME = new Uint8Array(128);
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-._') IN_NAME[character.charCodeAt(0)] = 1;

/**
 * Lower-case, without port and one trailing dot; an IPv6 literal in brackets and canonical. Undefined for anything else: empty, two hosts
 * (comma), user info, blanks, percent escapes, `*`, bytes that are not ASCII, an empty label, a port that is none.
 * Underscores stay: hosts with them exist, and a host is only ever compared with a configured one.
 */
export function canonicalHost(authority: string): string | undefined {
  if (isCanonicalName(authority)) return authority;
  if (authority.startsWith('[')) return canonicalIpv6Literal(authority);
  const colon = authority.indexOf(':');
  if (colon !== -1 && !isPort(authority.slice(colon + 1))) return undefined;
  const withDot = colon === -1 ? authority : authority.slice(0, colon);
  // Before it is lower-cased: a Kelvin sign would become a k.
  if (!/^[A-Za-z0-9._-]+$/.test(withDot)) return undefined;
  const name = (withDot.endsWith('.') ? withDot.slice(0, -1) : withDot).toLowerCase();
  return isCanonicalName(name) ? name : undefined;
}

function isCanonicalName(name: string): boolean {
  if (name.length === 0 || name.length > NAME_LENGTH_MAX) return false;
  let previous = DOT;
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (IN_NAME[code] !== 1 || (code === DOT && previous === DOT)) return false;
    previous = code;
  }
  return previous !== DOT;
}

function canonicalIpv6Literal(authority: string): string | undefined {
  const end = authority.indexOf(']');
  if (end === -1) return undefined;
  const rest = authority.slice(end + 1);
  if (rest !== '' && !(rest.startsWith(':') && isPort(rest.slice(1)))) return undefined;
  const literal = authority.slice(1, end);
  const address = literal.includes(':') ? parseIp(literal) : undefined;
  if (address === undefined) return undefined;
  return address.family === 4 ? formatIp(address) : `[${formatIp(address)}]`;
}

const isPort = (text: string): boolean => /^[0-9]{1,5}$/.test(text) && Number(text) <= 65535;
