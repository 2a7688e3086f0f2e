/** The facts about a request that flow cookies depend on. */

import type { EndpointContext, EndpointPorts } from '../endpoint.ts';
import { schemeOf } from '../origin.ts';
import type { FlowHost } from './flow-cookies.ts';

export const flowHostOf = (context: EndpointContext, ports: Pick<EndpointPorts, 'sealer'>): FlowHost => ({
  request: context.request,
  host: context.target.host,
  scheme: schemeOf(context.origin),
  sameSite: context.generation.config.cookie_same_site,
  sealer: ports.sealer,
  now: context.now,
});
