/** The client's address: Envoy's peer, or what trusted proxies say in X-Forwarded-For. */

import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { AccessRequest } from './access-request.ts';
import type { IpAddress } from './ip-address.ts';
import { formatIp, parseIp } from './ip-address.ts';

/** A CIDR, parsed once at load. */
export type AddressRange = {
  readonly text: string;
  /** False for anything that is not an address. An IPv4-mapped IPv6 address counts as its IPv4 address. */
  contains(address: string): boolean;
};

/** The address that policies and audit see, canonical; '' where Envoy named no peer (a pipe). */
export type ClientAddress = {
  readonly address: string;
  /** How it was found: the peer itself, or X-Forwarded-For from trusted proxies. */
  readonly from: 'peer' | 'x-forwarded-for';
  /** The trusted proxies that it was passed on by, Envoy's peer first; none where it is the peer. */
  readonly via: readonly string[];
  /** It is a trusted proxy itself, and nothing says for whom. */
  readonly isProxy: boolean;
};

/** No honest request passes so many proxies; beyond it the walk stops at a proxy, which is an address that grants nothing. */
const HOPS_MAX = 32;

/** The addresses that begin with the same bits. */
export type Network = { readonly address: IpAddress; readonly length: number };

/** An address or a CIDR (`10.0.0.0/8`, `2001:db8::/32`, `::1`); bits beyond the prefix are ignored. The error says what is wrong. */
export function parseNetwork(text: string): Result<Network, string> {
  const slash = text.indexOf('/');
  const addressText = slash === -1 ? text : text.slice(0, slash);
  const address = parseIp(addressText);
  if (address === undefined) return err(`"${text}" is not an IP address or CIDR`);
  const isMapped = address.family === 4 && addressText.includes(':');
  const offset = isMapped ? 96 : 0;
  const bits = address.groups.length * 16;
  if (slash === -1) return ok({ address, length: bits });
  const lengthText = text.slice(slash + 1);
  const length = /^(?:0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) - offset : -1;
  if (length < 0 || length > bits) {
    return err(`"${text}" has a prefix length that is not between ${offset} and ${bits + offset}`);
  }
  return ok({ address, length });
}

/** As parseNetwork reads it. */
export function parseAddressRange(text: string): Result<AddressRange, string> {
  const network = parseNetwork(text);
  return network.ok ? ok(createRange(text, network.value)) : network;
}

function createRange(text: string, { address: network, length }: Network): AddressRange {
  const wanted = firstBits(network, length);
  return {
    text,
    contains(addressText) {
      const address = parseIp(addressText);
      return address?.family === network.family && firstBits(address, length) === wanted;
    },
  };
}

/** The first `length` bits, the others zero, as text to compare. */
export const firstBits = ({ groups }: IpAddress, length: number): string =>
  groups.map((group, index) => group & (0xffff << Math.min(16, Math.max(0, (index + 1) * 16 - length)))).join();

/**
 * Walks X-Forwarded-For from the peer, right to left, as long as the address at hand is a trusted proxy. What a client wrote stands left of
 * what the first trusted proxy wrote, and is never reached. An entry that is no address ends the walk at the proxy that passed it on.
 */
export function clientAddress(
  request: Pick<AccessRequest, 'source' | 'headers'>,
  trustedProxies: readonly AddressRange[],
): ClientAddress {
  const peer = canonicalAddress(request.source.address) ?? '';
  const isTrusted = (address: string): boolean => trustedProxies.some((range) => range.contains(address));
  if (trustedProxies.length === 0 || !isTrusted(peer))
    return { address: peer, from: 'peer', via: nobody, isProxy: false };

  const entries = request.headers
    .lines('x-forwarded-for')
    .flatMap((line) => line.split(','))
    .slice(-HOPS_MAX);
  let client: ClientAddress = { address: peer, from: 'peer', via: nobody, isProxy: true };
  for (const entry of entries.reverse()) {
    const address = forwardedAddress(entry.trim());
    if (address === undefined) break;
    const isProxy = isTrusted(address);
    client = { address, from: 'x-forwarded-for', via: [...client.via, client.address], isProxy };
    if (!isProxy) break;
  }
  return client;
}

const nobody: readonly string[] = [];

/** The same walk over what is known of an earlier one; undefined where it would go on beyond that. */
export function clientAddressAgain(
  known: ClientAddress,
  trustedProxies: readonly AddressRange[],
): ClientAddress | undefined {
  const chain = [...known.via, known.address];
  const isTrusted = (address: string): boolean => trustedProxies.some((range) => range.contains(address));
  const index = chain.findIndex((address) => !isTrusted(address));
  const address = chain[index];
  if (address === undefined) return known.isProxy ? known : undefined;
  return { address, from: index === 0 ? 'peer' : 'x-forwarded-for', via: chain.slice(0, index), isProxy: false };
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function forwardedAddress(entry: string): string | undefined {
  return canonicalAddress(
    entry.replace(/^\[([0-9a-f:.]+)\](?::[0-9]{1,5})?$/i, '$1').replace(/^([0-9.]+):[0-9]{1,5}$/, '$1'),
  );
}

function canonicalAddress(text: string): string | undefined {
  const address = parseIp(text);
  if (address === undefined) return undefined;
  // Dotted decimals are read so strictly that they are canonical.
  return text.includes(':') ? formatIp(address) : text;
}
