/**
 * Who may ask at the admin address. A port of loopback is open to every local user and, through a browser, to every page that somebody there looks
 * at; so each request must prove who asks, must not come from a browser, and must be meant for this address.
 */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';

import { exposureOf, ownerOfToken, parseAdminTokens } from '../../core/admin-tokens.ts';
import type { AdminCertificate, Administrator, AdminTokenName } from '../../core/audit/change-record.ts';
import type { Clock, Logger } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { adminFault, type AdminAnswer } from './admin-api.ts';
import type { Admit } from './admin-http.ts';

export type AdminGateOptions = {
  /** undefined = no token is asked for, and the connection has proved who asks. */
  readonly tokenFile: string | undefined;
  /** Names of client certificates that may ask; undefined = none is asked for, empty = all that TLS has verified. */
  readonly clientNames: readonly string[] | undefined;
  /** PEM of the certificate that is shown now; undefined = no TLS. */
  readonly ownCertificate: () => string | undefined;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
};

/** What only browsers send. */
const SIGNS_OF_A_BROWSER = ['origin', 'sec-fetch-site', 'sec-fetch-mode', 'access-control-request-method'];
const TOKENS_BYTES_MAX = 64 * 1024;
const SUBJECT_CHARS_MAX = 512;
/** Strangers may try as often as they like; the log has a line for it, and one for what is wrong on our side, this often. */
const LOGGED_EVERY_MS = 10_000;

export function createAdminGate(options: AdminGateOptions): Admit {
  const { clock, logger, tokenFile } = options;
  const tellRefusal = atMostEvery(LOGGED_EVERY_MS, clock);
  const tellFault = atMostEvery(LOGGED_EVERY_MS, clock);
  const tokens = tokenFile === undefined ? undefined : () => readTokens(tokenFile);
  return async (request) => {
    const admitted = await admit(request, options, tokens);
    if (admitted.ok) return admitted;
    const { answer, fault } = admitted.error;
    if (fault !== undefined)
      tellFault(() => logger.error({ reason: fault }, 'the file of admin_token_file cannot be used: nobody may ask'));
    const from = request.socket.remoteAddress;
    tellRefusal(() => logger.warn({ from, ...answer }, 'somebody was refused at the admin address'));
    return err(answer);
  };
}

/** Calls the first of what it is given, then at most one within `everyMs`. */
function atMostEvery(everyMs: number, clock: AdminGateOptions['clock']): (tell: () => void) => void {
  let toldAtMs: number | undefined;
  return (tell) => {
    const nowMs = clock.monotonicMs();
    if (toldAtMs !== undefined && nowMs - toldAtMs < everyMs) return;
    toldAtMs = nowMs;
    tell();
  };
}

/** `fault`: what is wrong with the file of tokens; not for strangers. */
type Refusal = { readonly answer: AdminAnswer; readonly fault?: string };

const refused = (status: number, error: string): { readonly ok: false; readonly error: Refusal } =>
  err({ answer: adminFault(status, error) });

async function admit(
  { headersDistinct: headers, socket }: IncomingMessage,
  options: AdminGateOptions,
  tokens: ReadTokens | undefined,
): Promise<Result<Administrator, Refusal>> {
  const [host, ...otherHosts] = headers['host'] ?? [];
  if (SIGNS_OF_A_BROWSER.some((name) => headers[name] !== undefined))
    return refused(403, 'no page of a browser may ask here');
  if (host === undefined || otherHosts.length > 0 || !isOwnHost(host, socket.localPort, options.ownCertificate()))
    return refused(421, 'the Host is none of this address');
  const certificate = certificateOf(socket, options.clientNames);
  if (!certificate.ok) return certificate;
  const token = await tokenOf(headers['authorization'] ?? [], tokens);
  if (!token.ok) return token;
  return ok({
    via: 'address',
    from: socket.remoteAddress ?? '',
    token: token.value,
    certificate: certificate.value,
  });
}

/** SECURITY: a page whose name was made to point here (DNS rebinding) asks by that name; it is no name of the certificate, nor of loopback. */
function isOwnHost(host: string, port: number | undefined, certificatePem: string | undefined): boolean {
  const [, bracketed, plain, portText] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?$/.exec(host) ?? [];
  const name = bracketed ?? plain?.toLowerCase();
  if (name === undefined) return false;
  const isSamePort =
    portText === undefined ? port === (certificatePem === undefined ? 80 : 443) : Number(portText) === port;
  if (!isSamePort) return false;
  if (certificatePem === undefined)
    return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
  const certificate = new X509Certificate(certificatePem);
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** SECURITY: TLS has verified that the authorities vouch for it. */
function certificateOf(
  socket: Socket,
  clientNames: readonly string[] | undefined,
): Result<AdminCertificate | undefined, Refusal> {
  if (clientNames === undefined) return ok(undefined);
  const certificate = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return refused(403, 'a client certificate is needed');
  const names = namesIn(certificate.subjectAltName);
  if (clientNames.length > 0 && !names.some((name) => clientNames.includes(name)))
    return refused(403, 'the client certificate bears no name that may ask');
  return ok({
    subject: certificate.subject.replaceAll('\n', ', ').slice(0, SUBJECT_CHARS_MAX),
    names,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  });
}

/** Names that need quoting could be built to look like others: then there are none. */
const namesIn = (subjectAltName: string | undefined): readonly string[] =>
  subjectAltName === undefined || subjectAltName.includes('"') ? [] : subjectAltName.split(', ');

/** undefined `read` = no token is asked for. */
async function tokenOf(
  said: readonly string[],
  read: ReadTokens | undefined,
): Promise<Result<AdminTokenName | undefined, Refusal>> {
  if (read === undefined) return ok(undefined);
  const [, token] = /^Bearer ([\x21-\x7e]{1,600})$/i.exec(said.length === 1 ? (said[0] ?? '') : '') ?? [];
  if (token === undefined) return refused(401, 'a token is needed');
  const tokens = await read();
  if (!tokens.ok) return err({ answer: adminFault(503, 'the tokens cannot be read now'), fault: tokens.error });
  const owner = ownerOfToken(token, tokens.value);
  return owner === undefined ? refused(401, 'not a token of this address') : ok(owner);
}

type ReadTokens = () => Promise<ReturnType<typeof parseAdminTokens>>;

/** As the file is at this moment, so that what was taken out of it is of no use any more. The error follows "the file". */
async function readTokens(file: string): Promise<ReturnType<typeof parseAdminTokens>> {
  try {
    // Without O_NONBLOCK, opening a pipe waits for its writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await handle.stat();
      if (!status.isFile() || status.size > TOKENS_BYTES_MAX) return err('is no regular file of at most 64 KiB');
      const exposure = exposureOf(status, process.getuid?.());
      return exposure === undefined ? parseAdminTokens(await handle.readFile('utf8')) : err(exposure);
    } finally {
      await handle.close();
    }
  } catch {
    return err('cannot be read');
  }
}
