/**
 * The paths that belong to Doorward on every host of a loaded route, and which endpoint answers each. Whatever else lies below `/.doorward/`
 * and `/.pomerium/` is nobody's: 404, never an upstream's.
 */

import type { CanonicalTarget } from '../core/request/target.ts';
import { HOME_PATH, SIGN_IN_PATH } from '../core/response/refusal.ts';

/** Names of the endpoints, as audit and metrics show them. */
export type EndpointName =
  | 'home'
  | 'user'
  | 'sign_in'
  | 'sign_out_confirm'
  | 'sign_out'
  | 'signed_out'
  | 'callback'
  | 'ticket'
  | 'backchannel_logout'
  | 'frontchannel_logout'
  | 'events'
  | 'jwks'
  | 'metadata'
  | 'unknown'
  | 'method_not_allowed';

export type OwnPath = {
  readonly endpoint: EndpointName;
  /** The answer rests on the session: where a cookie names one and it cannot be known, the request is refused (503). */
  readonly needsSession: boolean;
  /**
   * A session whose record cannot be read is no obstacle: here one signs in anew, or out, and what the cookie names is ended all the same
   * (`presented`).
   */
  readonly endsUnreadable: boolean;
  /** The methods that the path has, as the `Allow` header lists them (RFC 9110 §10.2.1); empty for `unknown`. */
  readonly allow: string;
};

export const PATHS = {
  home: HOME_PATH,
  signIn: SIGN_IN_PATH,
  signOut: '/.doorward/sign_out',
  signedOut: '/.doorward/signed_out',
  callback: '/.doorward/callback',
  ticket: '/.doorward/ticket',
  backchannelLogout: '/.doorward/backchannel_logout',
  frontchannelLogout: '/.doorward/frontchannel_logout',
  events: '/.doorward/events',
  jwks: '/.well-known/doorward/jwks.json',
  pomeriumJwks: '/.well-known/pomerium/jwks.json',
} as const;

/** Trees of which nothing ever reaches an upstream. */
const OWN_TREES: readonly string[] = ['/.doorward', '/.pomerium'];

type Methods = Readonly<Partial<Record<string, EndpointName>>>;

const page = (endpoint: EndpointName): Methods => ({ GET: endpoint, HEAD: endpoint });
/** What a GET of these begins or ends is not for HEAD to do. */
const act = (endpoint: EndpointName): Methods => ({ GET: endpoint });
const signOut: Methods = { GET: 'sign_out_confirm', HEAD: 'sign_out_confirm', POST: 'sign_out' };

/** Exact raw paths. A Map: the path is a client's, and may be called `__proto__`. */
const methodsByPath: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  ['/.doorward', page('home')],
  [PATHS.home, page('home')],
  ['/.doorward/user', page('user')],
  [PATHS.signIn, act('sign_in')],
  [PATHS.signOut, signOut],
  [PATHS.signedOut, page('signed_out')],
  [PATHS.callback, act('callback')],
  [PATHS.ticket, act('ticket')],
  [PATHS.backchannelLogout, { POST: 'backchannel_logout' }],
  [PATHS.frontchannelLogout, act('frontchannel_logout')],
  [PATHS.events, { POST: 'events' }],
  [PATHS.jwks, page('jwks')],
  ['/.pomerium', page('home')],
  ['/.pomerium/', page('home')],
  ['/.pomerium/user', page('user')],
  ['/.pomerium/sign_in', act('sign_in')],
  ['/.pomerium/sign_out', signOut],
  ['/.pomerium/signed_out', page('signed_out')],
  [PATHS.pomeriumJwks, page('jwks')],
  ['/.well-known/pomerium', page('metadata')],
]);

/** Callbacks of providers that are not called `default` have one more segment (callbackPath, login/redirect-uri.ts). */
const CALLBACK_OF_PROVIDER = /^\/\.doorward\/callback\/[^/]+$/;

const endpointsWithSession: ReadonlySet<EndpointName> = new Set<EndpointName>([
  'home',
  'user',
  'sign_in',
  'sign_out_confirm',
  'sign_out',
  'signed_out',
  'callback',
  'ticket',
]);

const endpointsThatEnd: ReadonlySet<EndpointName> = new Set<EndpointName>([
  'sign_in',
  'sign_out',
  'callback',
  'ticket',
]);

const methodNames = (methods: Methods): string => Object.keys(methods).join(', ');

/** Doorward's own endpoint for a path, or undefined where the path is a route's. Total. */
export function matchOwnPath(target: CanonicalTarget, method: string): OwnPath | undefined {
  const methods = CALLBACK_OF_PROVIDER.test(target.path) ? act('callback') : methodsByPath.get(target.path);
  if (methods === undefined) {
    // Also where only a decoding leads into the tree: an own path is written in one way.
    return isInOwnTree(target.path) || isInOwnTree(target.decodedPath) ? unknown : undefined;
  }
  const allow = methodNames(methods);
  const endpoint = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (endpoint === undefined)
    return { endpoint: 'method_not_allowed', needsSession: false, endsUnreadable: false, allow };
  return {
    endpoint,
    needsSession: endpointsWithSession.has(endpoint),
    endsUnreadable: endpointsThatEnd.has(endpoint),
    allow,
  };
}

const unknown: OwnPath = { endpoint: 'unknown', needsSession: false, endsUnreadable: false, allow: '' };

const isInOwnTree = (path: string): boolean =>
  OWN_TREES.some(
    (tree) => path.startsWith(tree) && (path.length === tree.length || /^[/\\;%]/.test(path.slice(tree.length))),
  );
