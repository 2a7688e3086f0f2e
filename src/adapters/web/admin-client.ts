/** Asks a running Doorward over its admin socket, or at its admin address. */

import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';

export type AdminReply = { readonly status: number; readonly body: unknown };

/** @throws Error with a sentence when nobody answers, or not as Doorward does. */
export type AskAdmin = (
  method: 'GET' | 'POST',
  path: string,
  body?: Readonly<Record<string, string>>,
) => Promise<AdminReply>;

const TIMEOUT_MS = 10_000;
/** A thousand sessions are about half a MiB. */
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

/** Over the admin socket, which is only its owner's to open. */
export const createAdminClient = (socketPath: string, timeoutMs = TIMEOUT_MS): AskAdmin =>
  asking({ where: socketPath, open: (options, take) => request({ ...options, socketPath }, take) }, timeoutMs);

export type AdminAddress = {
  readonly host: string;
  readonly port: number;
  /** Shown to it, where it demands one. */
  readonly token: string | undefined;
  /** PEM. undefined = no TLS, which is for this machine only. `ca`: undefined = the authorities of the system. */
  readonly tls:
    | { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
    | undefined;
};

export function createAdminAddressClient(address: AdminAddress, timeoutMs = TIMEOUT_MS): AskAdmin {
  const { host, port, token, tls } = address;
  const where = `${host} port ${port}`;
  const shown = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const at = ({ headers, ...options }: RequestOptions): RequestOptions => ({
    ...options,
    host,
    port,
    headers: { ...headers, ...shown },
  });
  if (tls === undefined) return asking({ where, open: (options, take) => request(at(options), take) }, timeoutMs);
  const material = Object.fromEntries(Object.entries(tls).filter(([, pem]) => pem !== undefined));
  const open: Open = (options, take) => requestOverTls({ ...at(options), ...material, minVersion: 'TLSv1.2' }, take);
  return asking({ where, open }, timeoutMs);
}

type RequestOptions = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
  readonly agent: false;
  readonly host?: string;
  readonly port?: number;
};

type Open = (options: RequestOptions, take: (response: IncomingMessage) => void) => ClientRequest;

const asking =
  ({ where, open }: { readonly where: string; readonly open: Open }, timeoutMs: number): AskAdmin =>
  (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const signal = AbortSignal.timeout(timeoutMs);
      let call: ClientRequest;
      const take = (response: IncomingMessage): void => {
        readJson(response).then(
          (value) => resolve({ status: response.statusCode ?? 0, body: value }),
          () => reject(new Error(`what answers on ${where} is not Doorward, or broke off`)),
        );
      };
      try {
        call = open({ method, path, headers, signal, agent: false }, take);
      } catch (error) {
        reject(new Error(`${where} cannot be asked (${codeOf(error) ?? 'unusable files'})`, { cause: error }));
        return;
      }
      call.on('error', (error) => reject(new Error(`no Doorward answers on ${where}: ${explained(codeOf(error))}`)));
      call.end(text);
    });

const codeOf = (error: unknown): string | undefined => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

const DISTRUST: ReadonlySet<string> = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED', 'CERT_SIGNATURE_FAILURE', 'INVALID_CA'],
]);
/** What one side says where the other wants no TLS, or no certificate as it was shown. */
const HANDSHAKE = /^(?:ERR_SSL_|EPROTO$)/;

function explained(code: string | undefined): string {
  if (code === 'ENOENT') return 'there is no such socket; is it running, and with this admin_socket?';
  if (code === 'ECONNREFUSED') return 'nobody listens; is it running?';
  if (code === 'EACCES') return 'you may not open the socket; only its owner may';
  if (code === 'ABORT_ERR') return 'it took too long';
  if (code !== undefined && DISTRUST.has(code))
    return `its certificate is not trusted (${code}); is --ca its authority?`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name';
  if (code !== undefined && HANDSHAKE.test(code))
    return `no TLS as is demanded here (${code}); is --cert one that it trusts?`;
  return code ?? 'the connection failed';
}

/** @throws for what is no JSON, too long or cut off */
async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > REPLY_BYTES_MAX) throw new Error('too long');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
