/** Shadow: the routes that are judged beside those in force. INVARIANT: nothing that a client sees or a store keeps follows from it. */

import type { GroupsRule } from '../policy/user-groups.ts';
import type { AddressRange } from '../request/client-address.ts';
import type { RouteTable } from '../route/route-table.ts';
import type { JudgedKind } from '../audit/judged-kind.ts';

export type Shadow = {
  readonly routes: RouteTable;
  readonly trustedProxies: readonly AddressRange[];
  /** False where it has rules for client certificates of its own, by which none was validated. */
  readonly knowsCertificates: boolean;
  /** Where the groups of users come from; undefined = the claim `groups`. */
  readonly groups: GroupsRule | undefined;
  /** Sources of records that nobody asks as the shadow would: of its file alone, or with other settings there. */
  readonly unaskedSources: ReadonlySet<string>;
};

/** What the shadow would have decided, where that is not what was decided. */
export type ShadowDecision =
  | {
      readonly decision: JudgedKind;
      readonly route: string | undefined;
      readonly rule: string | undefined;
      readonly reasons: readonly string[];
    }
  /** It would have to know something that the active route did not ask for. */
  | { readonly decision: 'undecided'; readonly route: string; readonly lacking: readonly string[] };
