/**
 * A real OpenID provider (npm `oidc-provider`) on loopback, with a few named users, for the demo and the tests. PKCE is required, answers carry
 * `iss` (RFC 9207), refresh tokens rotate, sign-out by `end_session_endpoint`. Every password that is not empty is accepted: never use it
 * for anything but showing and testing.
 *
 * As a program: `node tools/demo/oidc-provider.mjs '<options as JSON>'` prints `{"issuer":"..."}` once it listens. Started with an IPC
 * channel it takes `{ id, call: 'setFaults' | 'setUser' | 'requests', value }` and answers `{ id, value }`.
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';

import Provider, { interactionPolicy } from 'oidc-provider';

const HOST = '127.0.0.1';
const FORM_BYTES_MAX = 4096;

/** Values of `acr`, the weaker first. A sign-in has the first of those that are asked for (`acr_values`) and that its user can reach, else none. */
const ACR_VALUES = ['urn:example:silver', 'urn:example:gold'];

/**
 * By login name, which is the subject too. `reaches`: values of `acr`; `signedInSecondsAgo`: how old a sign-in is from its beginning;
 * `disabled`: nobody any more. None is a claim.
 */
export const users = {
  alice: {
    name: 'Alice Archer',
    email: 'alice@example.com',
    email_verified: true,
    groups: ['sre', 'staff'],
    reaches: ACR_VALUES,
  },
  bob: { name: 'Bob Baker', email: 'bob@example.com', email_verified: true, groups: ['staff'] },
  carol: { name: 'Carol Čermák', email: 'carol@partner.example', email_verified: true, groups: [] },
  dave: { name: 'Dave Draper', email: 'dave@example.com', email_verified: false, groups: ['staff'] },
};

/** Endpoints that faults and counts know, by path. */
const ENDPOINTS = {
  discovery: '/.well-known/openid-configuration',
  authorization: '/auth',
  token: '/token',
  jwks: '/jwks',
  userinfo: '/me',
  revocation: '/token/revocation',
  end_session: '/session/end',
};

/**
 * @param {object} options
 * @param {number} [options.port] 0 or absent = any free one
 * @param {string} options.clientId
 * @param {string} [options.clientSecret] absent = a public client
 * @param {'client_secret_basic' | 'client_secret_post'} [options.clientAuthentication]
 * @param {readonly string[]} options.origins of the hosts that people sign in to
 * @param {string} [options.providerName] as Doorward's `idps:` calls it; its callback is then allowed besides the default one
 * @param {boolean} [options.claimsInIdToken] put profile, e-mail and groups into the ID token too
 * @param {number} [options.accessTokenSeconds] lifetime of access tokens
 * @param {{ origin: string, ca?: string }} [options.logout] where the client is told of logouts here: by a token that is posted, or by a frame;
 *   `ca`: the authority of its certificate (PEM)
 */
export async function startOidcProvider(options) {
  const accounts = new Map(Object.entries(users));
  const requests = new Map();
  let faults = {};

  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, HOST, resolve);
  });
  const issuer = `http://${HOST}:${server.address().port}`;
  const provider = new Provider(issuer, configurationOf(options, accounts));
  const answer = provider.callback();
  const count = (what) => requests.set(what, (requests.get(what) ?? 0) + 1);
  const countRefresh = (what) => (context) => {
    if (context.oidc?.params?.grant_type === 'refresh_token') count(what);
  };
  provider.on('grant.success', countRefresh('refreshed'));
  provider.on('grant.error', countRefresh('refresh_refused'));

  server.on('request', (request, response) => {
    const path = request.url.split('?')[0];
    const endpoint = Object.keys(ENDPOINTS).find((name) => ENDPOINTS[name] === path);
    if (endpoint !== undefined) count(endpoint);
    const fault = endpoint === undefined ? undefined : faults[endpoint];
    const go = path.startsWith('/interaction/') ? interact : () => answer(request, response);
    applyFault(fault, response, () => {
      Promise.resolve(go(provider, accounts, request, response)).catch(() => {
        if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
        response.end('This sign-in is over. Begin again.\n');
      });
    });
  });

  return {
    issuer,
    /** `{ token: { status: 500, body, contentType } | { delayMs } | { hang: true } }`; replaces what was set before. */
    setFaults(next) {
      faults = next;
    },
    /** Changes or adds a user: `{ login, ...claims }`. */
    setUser({ login, ...claims }) {
      accounts.set(login, { ...accounts.get(login), ...claims });
    },
    /** How often each endpoint was asked; `refreshed` and `refresh_refused`: what came of refresh tokens at the token endpoint. */
    requests: () => Object.fromEntries(requests),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function applyFault(fault, response, go) {
  if (fault === undefined) return go();
  if (fault.hang === true) return undefined;
  if (fault.status === undefined) return void setTimeout(go, fault.delayMs ?? 0);
  return void setTimeout(() => {
    response.writeHead(fault.status, { 'content-type': fault.contentType ?? 'text/html', ...fault.headers });
    response.end(fault.body ?? '<h1>Down for maintenance</h1>');
  }, fault.delayMs ?? 0);
}

function configurationOf(options, accounts) {
  const callbacks = ['/.doorward/callback'];
  if (options.providerName !== undefined) callbacks.push(`/.doorward/callback/${options.providerName}`);
  const isPublic = options.clientSecret === undefined;
  const scope = 'openid profile email groups offline_access';
  return {
    clients: [
      {
        client_id: options.clientId,
        ...(isPublic ? {} : { client_secret: options.clientSecret }),
        token_endpoint_auth_method: isPublic ? 'none' : (options.clientAuthentication ?? 'client_secret_basic'),
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: options.origins.flatMap((origin) => callbacks.map((path) => origin + path)),
        post_logout_redirect_uris: options.origins.map((origin) => `${origin}/.doorward/signed_out`),
        scope,
        ...logoutOf(options),
      },
    ],
    fetch: (url, init) => fetchOnLoopback(url, init, options.logout?.ca),
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    pkce: { required: () => true },
    acrValues: ACR_VALUES,
    scopes: scope.split(' '),
    claims: {
      openid: ['sub', 'sid', 'auth_time', 'acr'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    conformIdTokenClaims: options.claimsInIdToken !== true,
    findAccount: (_context, login) => {
      const user = accounts.get(login);
      if (user === undefined || user.disabled === true) return undefined;
      return { accountId: login, claims: () => ({ sub: login, preferred_username: login, ...user }) };
    },
    // Whoever signs in has consented: there is one client, and it is what the users are here for.
    loadExistingGrant: async (context) => {
      const { oidc } = context;
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope(scope);
      await grant.save();
      return grant;
    },
    interactions: { policy: askingForAcr(), url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: options.accessTokenSeconds ?? 3600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      backchannelLogout: { enabled: options.logout !== undefined },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          const complete = form.replace('</form>', `${LOGOUT_FIELDS}</form>`);
          context.body = document('Sign out', `<h1>Sign out of the provider too?</h1>${complete}`);
        },
        postLogoutSuccessSource: (context) => {
          context.body = document('Signed out', '<h1>You are signed out of the provider</h1>');
        },
      },
    },
    renderError: (context, out) => {
      context.type = 'html';
      context.body = document('Error', `<h1>Error</h1><p>${escapeHtml(out.error)}</p>`);
    },
  };
}

/** Asks for a new sign-in where the one that is there has none of the `acr_values` asked for; once, since the next may have none either. */
function askingForAcr() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  const check = new Check('acr_values', 'a stronger sign-in is asked for', ({ oidc }) => {
    const asked = wordsOf(oidc.params.acr_values);
    const isMet = asked.length === 0 || asked.includes(oidc.session.acr) || oidc.result?.login !== undefined;
    return isMet ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  });
  policy.get('login').checks.add(check);
  return policy;
}

const wordsOf = (text) => (text ?? '').split(' ').filter((word) => word !== '');

const logoutOf = ({ logout }) =>
  logout === undefined
    ? {}
    : {
        backchannel_logout_uri: `${logout.origin}/.doorward/backchannel_logout`,
        backchannel_logout_session_required: true,
      };

/** What the provider asks of clients; every host name is on loopback. */
async function fetchOnLoopback(url, { method, headers, body }, ca) {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const lookup = (_host, { all }, callback) =>
    all ? callback(null, [{ address: HOST, family: 4 }]) : callback(null, HOST, 4);
  const status = await new Promise((resolve, reject) => {
    const request = send(url, { method, headers: Object.fromEntries(headers), lookup, ca, agent: false });
    request.once('response', (response) => resolve(response.resume().statusCode));
    request.once('error', reject);
    request.end(String(body));
  });
  return { status };
}

const LOGOUT_FIELDS =
  '<input type="hidden" name="logout" value="yes"><p><button type="submit" autofocus>Sign out</button></p>';

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
}

/** The sign-in form (fields `login` and `password`), and what comes of it. Rejects when the interaction is unknown or over. */
async function interact(provider, accounts, request, response) {
  const { uid, prompt, params } = await provider.interactionDetails(request, response);
  if (prompt.name !== 'login') throw new Error(`no form for the prompt ${prompt.name}`);
  if (request.method !== 'POST') return showForm(response, uid, 200, '');
  const form = new URLSearchParams(await readForm(request));
  if (form.get('cancel') !== null) {
    const refused = { error: 'access_denied', error_description: 'the user cancelled' };
    return provider.interactionFinished(request, response, refused, { mergeWithLastSubmission: false });
  }
  const login = form.get('login') ?? '';
  if (!accounts.has(login) || (form.get('password') ?? '') === '') {
    return showForm(response, uid, 401, 'No such user, or no password.');
  }
  const { reaches = [], signedInSecondsAgo = 0 } = accounts.get(login);
  const acr = wordsOf(params.acr_values).find((value) => reaches.includes(value));
  const ts = Math.floor(Date.now() / 1000) - signedInSecondsAgo;
  const result = { login: { accountId: login, remember: true, ts, ...(acr === undefined ? {} : { acr }) } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function showForm(response, uid, status, problem) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(
    document(
      'Sign in',
      `<h1>Sign in</h1><p>${escapeHtml(problem)}</p>
<form method="post" action="/interaction/${escapeHtml(uid)}">
<p><label>Name <input name="login" autocomplete="username" autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button type="submit">Sign in</button></p>
</form>
<form method="post" action="/interaction/${escapeHtml(uid)}">
<p><button type="submit" name="cancel" value="1">Cancel</button></p>
</form>`,
    ),
  );
}

async function readForm(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > FORM_BYTES_MAX) throw new Error('the form is too large');
  }
  return text;
}

const document = (title, body) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${body}</body></html>\n`;

const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

async function main() {
  const provider = await startOidcProvider(JSON.parse(process.argv[2] ?? '{}'));
  console.log(JSON.stringify({ issuer: provider.issuer }));
  process.on('message', ({ id, call, value }) => {
    const calls = { setFaults: provider.setFaults, setUser: provider.setUser, requests: provider.requests };
    process.send?.({ id, value: calls[call]?.(value) ?? null });
  });
  const end = () => void provider.close().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  // Whoever started it is gone.
  process.once('disconnect', end);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
