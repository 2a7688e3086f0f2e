/** From a verdict to the outcome that a vector names: what the client of that kind would see. */

import { decidingReasons } from '../../src/core/policy/decide-verdict.ts';
import type { Verdict } from '../../src/core/policy/verdict.ts';
import type { PolicyFacts } from '../../src/core/policy/facts.ts';
import { mostAcceptable } from './media-type.ts';
import { decodedPath, headerOf } from './ppl-facts.ts';
import type { PplVector } from './vector.ts';

const statuses: { readonly [final: string]: number } = {
  allow: 200,
  login: 302,
  webauthn: 302,
  robots: 200,
  'mcp-error': 200,
  'mcp-cors-preflight': 204,
};

export function statusOf(final: string): number | undefined {
  const denied = /^deny-(\d+)$/.exec(final);
  return denied === null ? statuses[final] : Number(denied[1]);
}

/** Paths on which a device is enrolled. */
const enrolmentPaths = ['/.pomerium/webauthn', '/.pomerium/device-enrolled'];

export function finalOf(vector: PplVector, verdict: Verdict, facts: PolicyFacts): string {
  if (facts.ssh !== undefined)
    return verdict.allow.value === true && verdict.deny.value === false ? 'ssh-allowed' : 'ssh-denied';
  const path = decodedPath(vector.request.path);
  if (verdict.kind === 'allow') return 'allow';
  if (verdict.kind === 'step-up' && enrolmentPaths.includes(path)) return 'allow';
  const final = refusal(vector, verdict, facts);
  const isKubernetes = headerOf(vector.request, 'user-agent').includes('kubernetes/');
  return path === '/robots.txt' && !isKubernetes && final !== 'mcp-error' ? 'robots' : final;
}

function refusal(vector: PplVector, verdict: Verdict, facts: PolicyFacts): string {
  switch (verdict.kind) {
    case 'certificate':
      return 'deny-495';
    case 'login':
      return canRedirect(vector) ? 'login' : 'deny-401';
    case 'step-up':
      return canRedirect(vector) ? 'webauthn' : 'deny-401';
    default:
      return denial(vector, verdict, facts);
  }
}

function denial(vector: PplVector, verdict: Verdict, facts: PolicyFacts): string {
  const reasons = decidingReasons(verdict);
  if (reasons.includes('device-unauthorized')) return 'deny-450';
  if (reasons.includes('route-not-found')) return 'deny-404';
  if (facts.mcp !== undefined && facts.mcp.method !== '') return 'mcp-error';
  return vector.route.mcp_server === true ? 'deny-401' : 'deny-403';
}

const offers = [
  'text/html',
  'application/json',
  'text/plain',
  'application/grpc-web-text',
  'application/grpc-web+proto',
  'application/grpc+proto',
];

/** A client that follows redirects: it takes HTML first, and carries no token of its own. */
function canRedirect({ request, route }: PplVector): boolean {
  if (route.mcp_server === true) return false;
  if (/^application\/grpc(?:$|[-+])/.test(headerOf(request, 'content-type'))) return false;
  const authorization = headerOf(request, 'authorization');
  if (headerOf(request, 'x-pomerium-authorization') !== '' || /^(?:Pomerium |Bearer Pomerium-)/.test(authorization))
    return false;
  const query = new URLSearchParams(request.path.split('?').slice(1).join('?'));
  if ((query.get('pomerium_session') ?? '') !== '') return false;
  const preferred = mostAcceptable(headerOf(request, 'accept'), offers);
  return preferred === undefined || preferred === 'text/html';
}
