/**
 * The one table of refusals: code -> meaning, HTTP status, gRPC status of the CheckResponse. docs/errors.md is generated from it.
 * INVARIANT: `grpcStatus` is never 0: a denied_response with status 0 is an allow to Envoy 1.40.
 */

export type RefusalCode = keyof typeof refusalCodes;

type Row = {
  readonly httpStatus: number;
  /** google.rpc.Code: of the CheckResponse, and of the answer to a gRPC client. */
  readonly grpcStatus: number;
  readonly title: string;
  /** For operators. */
  readonly meaning: string;
  /** For whoever sent the request: what may help. */
  readonly advice: string;
  /** Whether the detail given with the refusal is about the request alone, and so may be shown to whoever sent it. */
  readonly showsDetail: boolean;
  /** Seconds for `Retry-After`; undefined where trying again changes nothing. */
  readonly retryAfterSeconds?: number;
};

/** gRPC codes (google.rpc.Code) that Doorward uses. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** What could not be reached is often back within seconds; longer would keep people away from what works again. */
const OUTAGE_RETRY_SECONDS = 5;
/** Too much at once is over as soon as some of it is done. */
const BUSY_RETRY_SECONDS = 1;

const row = (values: Row): Row => values;

export const refusalCodes = {
  'own-response': row({
    httpStatus: 200,
    grpcStatus: PERMISSION_DENIED,
    title: 'Answered by Doorward',
    meaning: 'One of Doorward’s own pages or endpoints; not a refusal.',
    advice: '',
    showsDetail: false,
  }),
  'bad-request': row({
    httpStatus: 400,
    grpcStatus: INVALID_ARGUMENT,
    title: 'Bad request',
    meaning: 'The request is ambiguous or malformed, so it is not judged.',
    advice:
      'The address may have been mistyped or cut off. Go back to the page that led here, or type the address again.',
    showsDetail: true,
  }),
  'not-http': row({
    httpStatus: 400,
    grpcStatus: INVALID_ARGUMENT,
    title: 'Not HTTP',
    meaning: 'A network-level Check, which carries no request to judge.',
    advice: 'Use the HTTP filter of Envoy, not the network filter.',
    showsDetail: true,
  }),
  'two-credentials': row({
    httpStatus: 400,
    grpcStatus: INVALID_ARGUMENT,
    title: 'Two credentials',
    meaning: 'The request carries credentials that disagree, or two of one kind.',
    advice: 'In a browser, delete the cookies of this site and try again. A program must send one credential only.',
    showsDetail: true,
  }),
  'login-required': row({
    httpStatus: 401,
    grpcStatus: UNAUTHENTICATED,
    title: 'Sign-in required',
    meaning: 'Nobody is signed in and this route asks who it is.',
    advice: 'Sign in, then try again. If you sent a form, it was not delivered.',
    showsDetail: false,
  }),
  'login-failed': row({
    httpStatus: 400,
    grpcStatus: UNAUTHENTICATED,
    title: 'Sign-in failed',
    meaning: 'The sign-in could not be completed.',
    advice: 'Begin again from the page that you wanted to see.',
    showsDetail: true,
  }),
  'step-up-required': row({
    httpStatus: 401,
    grpcStatus: UNAUTHENTICATED,
    title: 'Stronger sign-in required',
    meaning: 'Signed in, but not strongly or recently enough.',
    advice: 'Sign in again in the way that this page asks for.',
    showsDetail: false,
  }),
  forbidden: row({
    httpStatus: 403,
    grpcStatus: PERMISSION_DENIED,
    title: 'No access',
    meaning: 'The policy of this route does not allow the request.',
    advice:
      'If you should have access, ask the owner of this page and give them the request below: it tells them exactly which rule said no.',
    showsDetail: false,
  }),
  'cross-site': row({
    httpStatus: 403,
    grpcStatus: PERMISSION_DENIED,
    title: 'Cross-site request',
    meaning: 'A state-changing request came from another site.',
    advice: 'If you meant to do this, begin from this site itself.',
    showsDetail: true,
  }),
  'route-not-found': row({
    httpStatus: 404,
    grpcStatus: NOT_FOUND,
    title: 'Not found',
    meaning: 'No route covers this host and path; nothing is allowed by default.',
    advice: 'Check the address.',
    showsDetail: false,
  }),
  'method-not-allowed': row({
    httpStatus: 405,
    grpcStatus: INVALID_ARGUMENT,
    title: 'Method not allowed',
    meaning: 'This endpoint does not answer that method.',
    advice: 'The Allow header lists the methods that it has.',
    showsDetail: true,
  }),
  'device-unauthorized': row({
    httpStatus: 450,
    grpcStatus: PERMISSION_DENIED,
    title: 'Device not authorized',
    meaning: 'The device is enrolled but not approved for this route.',
    advice: 'Ask the owner of this page to approve the device.',
    showsDetail: false,
  }),
  'client-certificate': row({
    httpStatus: 495,
    grpcStatus: PERMISSION_DENIED,
    title: 'Client certificate required',
    meaning: 'A valid client certificate is required.',
    advice: 'Install a valid client certificate, then start the browser or program anew.',
    showsDetail: false,
  }),
  'internal-error': row({
    httpStatus: 500,
    grpcStatus: INTERNAL,
    title: 'Internal error',
    meaning: 'A fault in Doorward. The request was refused.',
    advice: 'If it stays so, tell the owner of this page, and name the request below.',
    showsDetail: false,
  }),
  unavailable: row({
    httpStatus: 503,
    grpcStatus: UNAVAILABLE,
    title: 'Temporarily unavailable',
    meaning:
      'Something that this decision needs cannot be reached now: the session store, an identity provider or the audit.',
    advice: 'This says nothing about your access. Try again in a few seconds.',
    showsDetail: false,
    retryAfterSeconds: OUTAGE_RETRY_SECONDS,
  }),
  'store-corrupt': row({
    httpStatus: 503,
    grpcStatus: UNAVAILABLE,
    title: 'Temporarily unavailable',
    meaning:
      'What the session store holds for this decision is not what Doorward keeps there: tampered with, cut short, of another session or format.',
    advice: 'This says nothing about your access. If trying again does not help, sign out and in again.',
    showsDetail: false,
    retryAfterSeconds: OUTAGE_RETRY_SECONDS,
  }),
  overloaded: row({
    httpStatus: 503,
    grpcStatus: UNAVAILABLE,
    title: 'Overloaded',
    meaning: 'Too many requests are being judged at once.',
    advice: 'This says nothing about your access. Try again in a few seconds.',
    showsDetail: false,
    retryAfterSeconds: BUSY_RETRY_SECONDS,
  }),
  timeout: row({
    httpStatus: 503,
    grpcStatus: UNAVAILABLE,
    title: 'Timed out',
    meaning: 'The decision did not become available within the time that Envoy gives.',
    advice: 'This says nothing about your access. Try again in a few seconds.',
    showsDetail: false,
    retryAfterSeconds: BUSY_RETRY_SECONDS,
  }),
} as const satisfies Record<string, Row>;
