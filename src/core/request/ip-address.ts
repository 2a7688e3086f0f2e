/**
 * IP addresses as numbers: strict reading of IPv4 (four decimal octets, no leading zero) and IPv6 (RFC 4291 §2.2, no zone), canonical
 * text (RFC 5952). An IPv4-mapped IPv6 address *is* the IPv4 address: one client never has two names.
 */

export type IpAddress = {
  readonly family: 4 | 6;
  /** 16-bit groups: two for IPv4, eight for IPv6. */
  readonly groups: readonly number[];
};

/** Longest text of an address: an IPv6 one that ends in dotted decimals. */
const TEXT_LENGTH_MAX = 45;

/** The address of a text that is nothing but an address; undefined otherwise. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  if (!text.includes(':')) {
    const groups = parseIpv4(text);
    return groups === undefined ? undefined : { family: 4, groups };
  }
  const groups = parseIpv6(text);
  if (groups === undefined) return undefined;
  const isMapped = groups.every((group, index) => index > 5 || group === (index === 5 ? 0xffff : 0));
  return isMapped ? { family: 4, groups: groups.slice(6) } : { family: 6, groups };
}

function parseIpv4(text: string): readonly number[] | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  let number = 0;
  for (const decimals of text.split('.')) {
    const octet = Number(decimals);
    if (octet > 255 || String(octet) !== decimals) return undefined;
    number = number * 256 + octet;
  }
  return [Math.floor(number / 65_536), number % 65_536];
}

function parseIpv6(text: string): readonly number[] | undefined {
  const gap = text.indexOf('::');
  const head = parseGroups(gap === -1 ? text : text.slice(0, gap), gap === -1);
  const tail = gap === -1 ? [] : parseGroups(text.slice(gap + 2), true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group; without it nothing may be missing.
  if (gap === -1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** `mayEndInIpv4`: dotted decimals may only be the last two groups of the whole address. */
function parseGroups(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 === undefined) return undefined;
    groups.push(...ipv4);
  }
  return groups;
}

export function formatIp({ family, groups }: IpAddress): string {
  if (family === 4) return groups.map((group) => `${group >> 8}.${group & 255}`).join('.');
  const gap = longestZeroRun(groups);
  if (gap === undefined) return hex(groups);
  return `${hex(groups.slice(0, gap.start))}::${hex(groups.slice(gap.start + gap.length))}`;
}

const hex = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':');

/** RFC 5952 §4.2: the first longest run of zeros, and never of a single group. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } | undefined {
  let best: { readonly start: number; readonly length: number } | undefined;
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > 1 && length > (best?.length ?? 0)) best = { start: index - length + 1, length };
  }
  return best;
}
