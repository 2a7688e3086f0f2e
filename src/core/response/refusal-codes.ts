/**
 * The one table of refusals: code -> meaning, HTTP status, gRPC status of the CheckResponse. docs/errors.md is generated from it.
 * INVARIANT: `grpcStatus` is never 0: a denied_response with status 0 is an allow to Envoy 1.40.
 */

export type RefusalCode = keyof typeof refusalCodes;

type Row = {
  readonly httpStatus: number;
  readonly grpcStatus: number;
  readonly title: string;
  readonly meaning: string;
};

/** gRPC codes (google.rpc.Code) that Doorward uses. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

const row = (httpStatus: number, grpcStatus: number, title: string, meaning: string): Row => ({
  httpStatus,
  grpcStatus,
  title,
  meaning,
});

export const refusalCodes = {
  'own-response': row(
    200,
    PERMISSION_DENIED,
    'Answered by Doorward',
    'One of Doorward’s own pages or endpoints; not a refusal.',
  ),
  'bad-request': row(
    400,
    INVALID_ARGUMENT,
    'Bad request',
    'The request is ambiguous or malformed, so it is not judged.',
  ),
  'not-http': row(400, INVALID_ARGUMENT, 'Not HTTP', 'A network-level Check, which carries no request to judge.'),
  'two-credentials': row(
    400,
    INVALID_ARGUMENT,
    'Two credentials',
    'The request carries credentials that disagree, or two of one kind.',
  ),
  'login-required': row(401, UNAUTHENTICATED, 'Sign-in required', 'Nobody is signed in and this route asks who it is.'),
  'login-failed': row(400, UNAUTHENTICATED, 'Sign-in failed', 'The sign-in could not be completed.'),
  'step-up-required': row(
    401,
    UNAUTHENTICATED,
    'Stronger sign-in required',
    'Signed in, but not strongly or recently enough.',
  ),
  forbidden: row(403, PERMISSION_DENIED, 'No access', 'The policy of this route does not allow the request.'),
  'cross-site': row(403, PERMISSION_DENIED, 'Cross-site request', 'A state-changing request came from another site.'),
  'route-not-found': row(
    404,
    NOT_FOUND,
    'Not found',
    'No route covers this host and path; nothing is allowed by default.',
  ),
  'method-not-allowed': row(405, INVALID_ARGUMENT, 'Method not allowed', 'This endpoint does not answer that method.'),
  'device-unauthorized': row(
    450,
    PERMISSION_DENIED,
    'Device not authorized',
    'The device is enrolled but not approved for this route.',
  ),
  'client-certificate': row(
    495,
    PERMISSION_DENIED,
    'Client certificate required',
    'A valid client certificate is required.',
  ),
  'internal-error': row(500, INTERNAL, 'Internal error', 'A fault in Doorward. The request was refused.'),
  unavailable: row(
    503,
    UNAVAILABLE,
    'Temporarily unavailable',
    'Something that this decision needs cannot be reached now. Try again.',
  ),
  overloaded: row(503, UNAVAILABLE, 'Overloaded', 'Too many requests are being judged at once. Try again.'),
  timeout: row(503, UNAVAILABLE, 'Timed out', 'The decision did not become available in time. Try again.'),
} as const satisfies Record<string, Row>;
