/** An OpenID provider that lies where it is told to. It never checks anything: what a client must find out for itself is what is tested. */

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (response: ServerResponse) => void;
type Path = 'discovery' | 'token' | 'jwks' | 'userinfo' | 'revocation';

export type Lies = {
  /** Over what is true. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly idToken?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly userinfo?: Readonly<Record<string, unknown>>;
  readonly token?: Readonly<Record<string, unknown>>;
  /** In place of an endpoint. */
  readonly answers?: Readonly<Partial<Record<Path, Answer>>>;
  /** Replaces the signature part. */
  readonly signature?: (signingInput: string) => string;
};

export type FakeProvider = {
  readonly issuer: string;
  readonly otherKey: KeyObject;
  lie(lies: Lies): void;
  requests(path: Path): readonly { readonly headers: IncomingMessage['headers']; readonly body: string }[];
  close(): Promise<void>;
};

export const CLIENT = 'doorward';
export const NONCE = 'the-nonce-of-this-login';
export const SUBJECT = 'alice-1';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const rsaSignature =
  (key: KeyObject) =>
  (signingInput: string): string =>
    sign('sha256', Buffer.from(signingInput), key).toString('base64url');

export const answerWith =
  (status: number, body: string, contentType = 'application/json', headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': contentType, ...headers });
    response.end(body);
  };

export async function startFakeProvider(): Promise<FakeProvider> {
  let lies: Lies = {};
  const seen: { path: Path; headers: IncomingMessage['headers']; body: string }[] = [];
  const paths: Readonly<Record<string, Path>> = {
    '/.well-known/openid-configuration': 'discovery',
    '/token': 'token',
    '/jwks': 'jwks',
    '/userinfo': 'userinfo',
    '/revoke': 'revocation',
  };

  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
      const path = paths[request.url ?? ''];
      if (path === undefined) {
        answerWith(404, '')(response);
        return;
      }
      seen.push({ path, headers: request.headers, body });
      const answer = lies.answers?.[path] ?? answerWith(200, JSON.stringify(truth(path)));
      answer(response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const idToken = (): string => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: SUBJECT, aud: CLIENT, iat: now, exp: now + 300, nonce: NONCE, ...lies.idToken };
    const input = `${base64url({ alg: 'RS256', kid: 'one', ...lies.header })}.${base64url(claims)}`;
    return `${input}.${(lies.signature ?? rsaSignature(keys.privateKey))(input)}`;
  };

  const truth = (path: Path): unknown => {
    switch (path) {
      case 'discovery':
        return {
          issuer,
          authorization_endpoint: `${issuer}/authorize?tenant=1`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          userinfo_endpoint: `${issuer}/userinfo`,
          revocation_endpoint: `${issuer}/revoke`,
          end_session_endpoint: `${issuer}/logout`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
          authorization_response_iss_parameter_supported: true,
          ...lies.metadata,
        };
      case 'token':
        return {
          access_token: 'the-access-token',
          refresh_token: 'the-refresh-token',
          token_type: 'Bearer',
          expires_in: 600,
          id_token: idToken(),
          ...lies.token,
        };
      case 'jwks':
        return { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] };
      case 'userinfo':
        return { sub: SUBJECT, email: 'alice@example.com', email_verified: true, groups: ['sre'], ...lies.userinfo };
      case 'revocation':
        return {};
    }
  };

  return {
    issuer,
    otherKey: others.privateKey,
    lie(next) {
      lies = next;
    },
    requests: (path) => seen.filter((one) => one.path === path),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
