/**
 * Renders the table of refusals as docs/errors.md. Pure: a test renders it and compares it with the file; tools/write-errors-reference.mjs
 * writes the file.
 */

/** google.rpc.Code by number. */
const GRPC_NAMES = {
  3: 'INVALID_ARGUMENT',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};

const INTRO = `# Errors

Every request that Doorward does not allow gets an explicit answer with one of these codes. The code is \`error\` in JSON answers and \`code\` in
the audit record. The answer takes the form that the client can read:

| the client | the answer |
| --- | --- |
| a browser that goes to a page (\`Sec-Fetch-Mode: navigate\`, or GET and HEAD that accept HTML) | a page; instead of \`login-required\` a redirect to the login, and instead of \`step-up-required\` one to a new sign-in at the provider |
| a browser that sends a form | a page |
| scripts of a page, \`curl\`, other programs | \`{"error", "reason", "request_id"}\`; with \`login-required\` also \`sign_in\`; with \`step-up-required\` the challenge of RFC 9470 |
| gRPC and gRPC-Web | \`grpc-status\` and \`grpc-message\` |
| kubectl and other Kubernetes clients | a \`Status\` object |
| MCP clients | a JSON-RPC error; a denial by policy with HTTP 200 and the id of the call |
| clients that accept \`text/plain\` only | one line of text |

\`reason\` says what is wrong with the request itself. Why a policy refused is told only by routes with \`show_error_details: true\`; the audit
record has it always. Each answer names its request (\`x-request-id\`), each 401 has \`WWW-Authenticate\`, each 503 \`Retry-After\`, and all have
\`x-doorward-response: true\`, which tells them from answers of the application.
`;

export function renderErrorsReference(refusalCodes) {
  const sections = Object.entries(refusalCodes)
    .filter(([code]) => code !== 'own-response')
    .map(([code, row]) => renderSection(code, row));
  return [INTRO, ...sections].join('\n');
}

function renderSection(code, row) {
  const grpc = GRPC_NAMES[row.grpcStatus];
  if (grpc === undefined) throw new Error(`the gRPC status ${row.grpcStatus} of ${code} has no name here`);
  const retry = row.retryAfterSeconds === undefined ? '' : `, Retry-After ${row.retryAfterSeconds} s`;
  return `## ${code}

HTTP ${row.httpStatus}, gRPC ${row.grpcStatus} (${grpc})${retry}. **${row.title}.** ${row.meaning}

What may help: ${row.advice}
`;
}
