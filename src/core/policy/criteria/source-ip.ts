/**
 * `source_ip`: the judged address of the client is one of these addresses or in one of these networks (CIDR).
 * Reasons: source-ip-ok, source-ip-unauthorized. Source: docs/policy-language.md "source_ip".
 */

import type { AddressRange } from '../../request/client-address.ts';
import { parseAddressRange } from '../../request/client-address.ts';
import { parseIp } from '../../request/ip-address.ts';
import { criterion, outcome } from '../criterion.ts';
import { createTextListParser } from '../data.ts';

const ok = outcome('true', 'source-ip-ok');
const unauthorized = outcome('false', 'source-ip-unauthorized');
const unknown = outcome('unknown', 'source-ip-unknown');

export const sourceIp = criterion({
  name: 'source_ip',
  data: createTextListParser<AddressRange>('address or list of addresses', parseAddressRange),
  needs: [],
  reads: ['source_ip'],
  reasons: [ok, unauthorized, unknown].flatMap(({ reasons }) => reasons.list),
  compile: (ranges, { semantics }) => {
    const isStrict = semantics === 'strict';
    return ({ sourceIp: address }) => {
      if (ranges.some((range) => range.contains(address))) return ok;
      return isStrict && parseIp(address) === undefined ? unknown : unauthorized;
    };
  },
});
