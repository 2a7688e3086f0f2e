/**
 * What went wrong with an identity provider: it said no or did not verify (`idp-refused`), or nothing can be said now (`idp-unavailable`).
 * SECURITY: errors of the library carry answers, codes and tokens; none of that is taken over, so there is no `cause`.
 */

import { DependencyError } from '../../core/ports.ts';

/** Codes of openid-client and oauth4webapi that say nothing about this login: no answer, or none that could be read. */
const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
]);

/** RFC 6749 §4.1.2.1: the provider is in trouble, and says so. */
const UNAVAILABLE_ERRORS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

/** An error code of RFC 6749 §5.2 and its kin: may be repeated in a log. */
const ERROR_CODE = /^[a-z_]{1,40}$/;
/** A code of the library, or of Node (`ECONNREFUSED`). */
const LIBRARY_CODE = /^[A-Z][A-Z0-9_]{2,60}$/;

/** `what` in words, e.g. `the code could not be redeemed`. */
export function failureOf(what: string, error: unknown): DependencyError {
  const { isRefusal, reason } = judge(error);
  return new DependencyError(isRefusal ? 'idp-refused' : 'idp-unavailable', `${what} (${reason})`);
}

/** RFC 6749 §5.2: the refresh token is of no use any more; nothing else says so (`invalid_client` speaks of Doorward, not of the user). */
export const isInvalidGrant = (error: unknown): boolean =>
  textOf(error, 'name') === 'ResponseBodyError' && textOf(error, 'error') === 'invalid_grant';

/** The ID token is of another issuer. */
export function isOtherIssuer(error: unknown): boolean {
  if (codeOf(error) !== 'OAUTH_JWT_CLAIM_COMPARISON_FAILED') return false;
  let current = error;
  for (let depth = 0; depth < 5 && isObject(current); depth += 1) {
    if (textOf(current, 'claim') === 'iss') return true;
    current = current['cause'];
  }
  return false;
}

/** The userinfo endpoint speaks of another `sub`: the only member that the library compares there. */
export const isOtherSubject = (error: unknown): boolean => codeOf(error) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED';

/**
 * RFC 6750 §3.1: the userinfo endpoint refuses the access token. A page (HTML) with such a status is of something in front of it, and says
 * nothing.
 */
export function isUserRefused(error: unknown): boolean {
  if (!isObject(error)) return false;
  if (textOf(error, 'name') === 'WWWAuthenticateChallengeError') return isRefusal(numberOf(error, 'status'));
  const response = error['cause'];
  return response instanceof Response && isRefusal(response.status) && !isPage(response);
}

const isRefusal = (status: number | undefined): boolean => status === 401 || status === 403;

const isPage = ({ headers }: Response): boolean => (headers.get('content-type') ?? '').includes('html');

type Judgement = { readonly isRefusal: boolean; readonly reason: string };

function judge(error: unknown): Judgement {
  const name = textOf(error, 'name');
  const oauthError = textOf(error, 'error');
  if (name === 'ResponseBodyError' || name === 'AuthorizationResponseError') {
    const status = numberOf(error, 'status') ?? 400;
    const reason = ERROR_CODE.test(oauthError) ? oauthError : 'an unknown error';
    return { isRefusal: status < 500 && status !== 429 && !UNAVAILABLE_ERRORS.has(oauthError), reason };
  }
  if (name === 'WWWAuthenticateChallengeError') return { isRefusal: true, reason: 'not authorized' };
  const code = codeOf(error);
  if (code === undefined) return { isRefusal: false, reason: 'no usable answer' };
  return { isRefusal: code.startsWith('OAUTH_') && !UNAVAILABLE_CODES.has(code), reason: code };
}

/** The first code along the chain of causes. Discriminated by shape: errors of Node's core may be of another realm. */
function codeOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && isObject(current); depth += 1) {
    const code = textOf(current, 'code');
    if (LIBRARY_CODE.test(code)) return code;
    const name = textOf(current, 'name');
    if (name === 'TimeoutError' || name === 'AbortError') return 'OAUTH_TIMEOUT';
    current = current['cause'];
  }
  return undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const textOf = (value: unknown, key: string): string => {
  const field = isObject(value) ? value[key] : undefined;
  return typeof field === 'string' ? field : '';
};

const numberOf = (value: unknown, key: string): number | undefined => {
  const field = isObject(value) ? value[key] : undefined;
  return typeof field === 'number' ? field : undefined;
};
