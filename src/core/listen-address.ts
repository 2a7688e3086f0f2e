/** Where a listener of Doorward's binds, and who can reach it there. */

import { parseIp } from './request/ip-address.ts';

export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  /** `host` is an IP address or a name; `0.0.0.0` and `::` are all interfaces. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A name other than localhost is not resolved here, and so not believed; nor is an IPv6 form of a loopback IPv4 address. */
export const isOfThisMachine = (address: ListenAddress): boolean =>
  address.kind === 'unix' ||
  address.host === 'localhost' ||
  address.host === '::1' ||
  (address.host.startsWith('127.') && parseIp(address.host)?.family === 4);
