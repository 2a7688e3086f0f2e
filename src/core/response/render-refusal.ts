/** renderRefusal: a refusal in the form that its client can read. The only builder of refusals; what is told outside is decided in refusal.ts. */

import type { RequestBody } from '../request/access-request.ts';
import type { OwnResponse } from './decision.ts';
import { ownHeaders } from './own-headers.ts';
import { renderPage } from './page.ts';
import type { ReadableFormat } from './readable-format.ts';
import { readableFormat } from './readable-format.ts';
import { refusalCodes } from './refusal-codes.ts';
import { refusalPage } from './refusal-page.ts';
import type { Refusal } from './refusal.ts';
import { shownReason, signInPath } from './refusal.ts';

type Header = readonly [name: string, value: string];

/** Never throws, and never answers with what could pass for the upstream's success but where JSON-RPC asks for it. */
export function renderRefusal(refusal: Refusal): OwnResponse {
  const { request } = refusal;
  const format = request === undefined || !request.isHttp ? 'text' : readableFormat(request);
  const response = renderAs(format, refusal);
  return {
    ...response,
    headers: [...response.headers, ...commonHeaders(refusal)],
    // RFC 9110 §9.3.2.
    body: request?.method === 'HEAD' ? '' : response.body,
  };
}

function renderAs(format: ReadableFormat, refusal: Refusal): OwnResponse {
  const { httpStatus } = refusalCodes[refusal.code];
  switch (format) {
    case 'navigation':
    case 'html':
      return renderPage(refusalPage(refusal), httpStatus);
    case 'json':
      return ownResponse(httpStatus, 'application/json', json(refusal));
    case 'text':
      return ownResponse(httpStatus, 'text/plain; charset=utf-8', `${sentence(refusal)}\n`);
    case 'grpc':
      return grpc(refusal, 'application/grpc');
    case 'grpc-web':
      return grpc(refusal, 'application/grpc-web+proto');
    case 'kubernetes':
      return ownResponse(httpStatus, 'application/json', kubernetesStatus(refusal));
    case 'json-rpc':
      return jsonRpc(refusal);
  }
}

const ownResponse = (status: number, contentType: string, body: string): OwnResponse => ({
  status,
  headers: ownHeaders(contentType),
  body,
});

function commonHeaders(refusal: Refusal): readonly Header[] {
  const { code, requestId } = refusal;
  const { httpStatus, retryAfterSeconds } = refusalCodes[code];
  return [
    ['x-request-id', requestId],
    ...(httpStatus === 401 ? [['www-authenticate', challengeOf(refusal)] as const] : []),
    ...(retryAfterSeconds === undefined ? [] : [['retry-after', String(retryAfterSeconds)] as const]),
  ];
}

/** RFC 6750 §3, RFC 9470 §3. Never `Basic`, for which browsers would ask a password. */
function challengeOf({ code, findings }: Refusal): string {
  const realm = 'Bearer realm="doorward"';
  if (code !== 'step-up-required') return realm;
  const { acrValues, maxAge } = findings?.verdict?.stepUp ?? {};
  return [
    realm,
    'error="insufficient_user_authentication"',
    'error_description="A more recent or stronger sign-in is required"',
    ...(acrValues === undefined ? [] : [`acr_values="${quotable(acrValues.join(' '))}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ].join(', ');
}

/** Of a quoted-string (RFC 9110 §5.6.4); the values are printable ASCII. */
const quotable = (text: string): string => text.replaceAll(/["\\]/g, '\\$&');

/** `No access: groups-unauthorized (request 7f3b0c52)` */
function sentence(refusal: Refusal): string {
  const reason = shownReason(refusal);
  const { title } = refusalCodes[refusal.code];
  return `${title}${reason === undefined ? '' : `: ${reason}`} (request ${refusal.requestId})`;
}

function json(refusal: Refusal): string {
  const signIn = refusal.code === 'login-required' ? signInPath(refusal) : undefined;
  return JSON.stringify({
    error: refusal.code,
    reason: shownReason(refusal),
    sign_in: signIn,
    request_id: refusal.requestId,
  });
}

/**
 * A trailers-only answer: status and message as headers, no body. Envoy makes HTTP 200 of it for gRPC clients, keeps a `grpc-status` that is
 * there (its own from the HTTP status knows neither 450 nor 495), and makes `grpc-message` of the body only where there is one.
 */
function grpc(refusal: Refusal, contentType: string): OwnResponse {
  const { httpStatus, grpcStatus } = refusalCodes[refusal.code];
  return {
    status: httpStatus,
    headers: [
      ...ownHeaders(contentType),
      ['grpc-status', String(grpcStatus)],
      ['grpc-message', encodeGrpcMessage(sentence(refusal))],
    ],
    body: '',
  };
}

/** Percent-encoding of gRPC over HTTP/2: every byte of UTF-8 but printable ASCII, and `%` itself. */
const encodeGrpcMessage = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');

/** `metav1.StatusReason` by HTTP status; kubectl prints it: `Error from server (Forbidden): doorward: ...`. */
const KUBERNETES_REASONS: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [404, 'NotFound'],
  [405, 'MethodNotAllowed'],
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
]);

function kubernetesStatus(refusal: Refusal): string {
  const { httpStatus } = refusalCodes[refusal.code];
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `doorward: ${sentence(refusal)}`,
    reason: KUBERNETES_REASONS.get(httpStatus) ?? 'Forbidden',
    code: httpStatus,
  });
}

/** AuthZEN's codes for MCP: denied by policy; and JSON-RPC 2.0 §5.1. */
const RPC_DENIED = -32001;
const RPC_INVALID_REQUEST = -32600;
const RPC_INTERNAL_ERROR = -32603;

/**
 * A denial by policy is told within JSON-RPC, as HTTP 200 with the id of the call: MCP clients show its words, where they make of a 403 a
 * failed connection. Everything else, and a call whose id is not known, keeps its HTTP status.
 */
function jsonRpc(refusal: Refusal): OwnResponse {
  const { httpStatus } = refusalCodes[refusal.code];
  const id = callId(refusal.request?.body);
  const isDenied = httpStatus === 403 || httpStatus === 450 || httpStatus === 495;
  const code = httpStatus >= 500 ? RPC_INTERNAL_ERROR : httpStatus === 400 ? RPC_INVALID_REQUEST : RPC_DENIED;
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: id ?? null,
    error: {
      code,
      message: sentence(refusal),
      data: { error: refusal.code, reason: shownReason(refusal), request_id: refusal.requestId },
    },
  });
  return ownResponse(isDenied && id !== undefined ? 200 : httpStatus, 'application/json', body);
}

/** Bodies that are larger are not parsed for the sake of a refusal. */
const RPC_BODY_BYTES_MAX = 65_536;
/** Ids are echoed; a longer one is nobody's counter or UUID. */
const RPC_ID_LENGTH_MAX = 128;

/** The id of the one JSON-RPC call in the body; undefined for a notification, a batch, part of a body, or anything else. */
function callId(body: RequestBody | undefined): string | number | undefined {
  if (body === undefined || body.partial || body.bytes.length > RPC_BODY_BYTES_MAX) return undefined;
  let call: unknown;
  try {
    call = JSON.parse(new TextDecoder().decode(body.bytes));
  } catch {
    return undefined;
  }
  if (typeof call !== 'object' || call === null || !('id' in call) || !('method' in call)) return undefined;
  const { id } = call;
  return typeof id === 'number' || (typeof id === 'string' && id.length <= RPC_ID_LENGTH_MAX) ? id : undefined;
}
