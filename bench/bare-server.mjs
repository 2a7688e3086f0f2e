/**
 * The baseline: a bare grpc-js server that reads each CheckRequest with Doorward's own reader (method, path, host, cookies) and always answers with
 * the same prebuilt bytes. Argument: those bytes, base64.
 */

import { Server, ServerCredentials } from '@grpc/grpc-js';

import { decodeCheckRequest } from '../dist/adapters/envoy/decode-check-request.js';

const answer = Buffer.from(process.argv[2] ?? '', 'base64');
const asBytes = (bytes) => bytes;

let seen = 0;
const check = (call, callback) => {
  const { value } = decodeCheckRequest(call.request);
  seen += value.method.length + value.path.length + value.authority.length + value.headers.lines('cookie').length;
  callback(null, answer);
};

const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(
  {
    Check: {
      path: '/envoy.service.auth.v3.Authorization/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: asBytes,
      requestDeserialize: asBytes,
      responseSerialize: asBytes,
      responseDeserialize: asBytes,
    },
  },
  { Check: check },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
process.on('SIGTERM', () => {
  server.forceShutdown();
  process.stderr.write(seen > 0 ? '' : 'the baseline was never asked\n');
});
