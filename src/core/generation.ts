/** Generation: one loaded configuration, compiled. Each Check is judged by exactly one; a reload makes a new one and swaps it whole. */

import type { AccessConfig } from './config.ts';
import type { GroupsRule } from './policy/user-groups.ts';
import type { AddressRange } from './request/client-address.ts';
import type { RouteTable } from './route/route-table.ts';
import type { Shadow } from './shadow/shadow.ts';

export type Generation = {
  /** 1 for the first load; each accepted reload adds one. */
  readonly number: number;
  /** Hex SHA-256 of the configuration as loaded, without secrets. */
  readonly contentHash: string;
  readonly config: AccessConfig;
  readonly routes: RouteTable;
  readonly trustedProxies: readonly AddressRange[];
  /** Where the groups of users come from; undefined = the claim `groups`. */
  readonly groups?: GroupsRule | undefined;
  /** What is judged beside it; undefined where no route and no file is a shadow. */
  readonly shadow: Shadow | undefined;
  /** `config.auth_url` taken apart; undefined = each host is its own callback. */
  readonly authOrigin: { readonly origin: string; readonly host: string } | undefined;
};
