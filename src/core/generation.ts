/** Generation: one loaded configuration, compiled. Each Check is judged by exactly one; a reload makes a new one and swaps it whole. */

import type { AccessConfig } from './config.ts';
import type { AddressRange } from './request/client-address.ts';
import type { RouteTable } from './route/route-table.ts';

export type Generation = {
  /** 1 for the first load; each accepted reload adds one. */
  readonly number: number;
  /** Hex SHA-256 of the configuration as loaded, without secrets. */
  readonly contentHash: string;
  readonly config: AccessConfig;
  readonly routes: RouteTable;
  readonly trustedProxies: readonly AddressRange[];
  /** `config.auth_url` taken apart; undefined = each host is its own callback. */
  readonly authOrigin: { readonly origin: string; readonly host: string } | undefined;
};
