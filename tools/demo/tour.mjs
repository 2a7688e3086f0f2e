/** The tour: each step does something through Envoy and says in one line what it saw. The first line that is not as expected ends it. */

import { createLocalJWKSet, jwtVerify } from 'jose';

import { linesOf } from '../../test/support/upstream.ts';
import { sleep, waitFor } from '../../test/support/wait.ts';
import { API, WebClient } from '../../test/support/web-client.ts';

const receivedBy = (response) => {
  const received = response.status === 200 ? response.json() : undefined;
  if (received === undefined) throw new Error(`expected the application, got ${response.status}: ${response.text}`);
  return received;
};

/** Goes to a page; signs in as `user` with the provider's own form. */
const signIn = async (client, url, user, issuer) => {
  let page = await client.visit(url);
  for (let pages = 0; pages < 3 && page.url.startsWith(issuer); pages++) {
    page = await client.submit(page, { login: user, password: 'any' });
  }
  return page;
};

const stepsOf = ({ origin, issuer, doorward, config }) => {
  const page = (path) => `${origin}${path}`;
  const host = new URL(origin).hostname;
  const alice = new WebClient();
  const bob = new WebClient();
  return [
    {
      title: 'anonymous browser asks for /sre/board',
      expected: '302 to the provider',
      run: async () => {
        const { status, header } = await new WebClient().send(page('/sre/board'));
        return `${status} to ${header('location')?.startsWith(issuer) ? 'the provider' : header('location')}`;
      },
    },
    {
      title: 'anonymous program asks for /sre/board',
      expected: '401 JSON login-required',
      run: async () => {
        const response = await new WebClient().get(page('/sre/board'), API);
        return `${response.status} JSON ${response.json().error}`;
      },
    },
    {
      title: 'alice signs in at the provider',
      expected: '200 at /sre/board',
      run: async () => {
        const response = await signIn(alice, page('/sre/board'), 'alice', issuer);
        return `${response.status} at ${new URL(response.url).pathname}`;
      },
    },
    {
      title: 'the application knows her by a signed assertion',
      expected: `alice@example.com, ES256 by the JWKS, for ${host}`,
      run: async () => {
        const received = receivedBy(await alice.get(page('/sre/board'), API));
        const [assertion = ''] = linesOf(received, 'x-pomerium-jwt-assertion');
        const jwks = await new WebClient().get(page('/.well-known/doorward/jwks.json'), API);
        const { payload, protectedHeader } = await jwtVerify(assertion, createLocalJWKSet(jwks.json()), {
          issuer: host,
          audience: host,
        });
        return `${payload.email}, ${protectedHeader.alg} by the JWKS, for ${payload.aud}`;
      },
    },
    {
      title: 'bob signs in, but is not in the group',
      expected: '403 page: groups-unauthorized',
      run: async () => {
        const response = await signIn(bob, page('/sre/board'), 'bob', issuer);
        const kind = response.header('content-type')?.startsWith('text/html') ? 'page' : 'no page';
        return `${response.status} ${kind}: ${/groups-unauthorized/.exec(response.text)?.[0] ?? 'no reason'}`;
      },
    },
    {
      title: 'bob forges identity headers',
      expected: '200 as bob@example.com, nothing forged',
      run: async () => {
        const forged = { 'X-Email': 'alice@example.com', 'x-pomerium-jwt-assertion': 'forged', 'X-Groups': 'sre' };
        const response = await bob.get(page('/'), { ...API, ...forged });
        const received = receivedBy(response);
        const isForged = JSON.stringify(received).includes('forged') || linesOf(received, 'x-groups').includes('sre');
        return `${response.status} as ${linesOf(received, 'x-email').join()}, ${isForged ? 'FORGED' : 'nothing forged'}`;
      },
    },
    {
      title: 'a stranger forges identity headers on a public page',
      expected: '200 as nobody',
      run: async () => {
        const response = await new WebClient().get(page('/public/'), { ...API, 'X-Email': 'alice@example.com' });
        const received = receivedBy(response);
        const names = ['x-email', 'x-pomerium-jwt-assertion'].flatMap((name) => linesOf(received, name));
        return `${response.status} as ${names.length === 0 ? 'nobody' : names.join()}`;
      },
    },
    {
      title: 'the policy file changes: /sre/ is now for "staff"',
      expected: 'bob 403, then 200',
      run: async () => {
        const { status: before } = await bob.get(page('/sre/board'), API);
        doorward.writeConfig(config('staff'));
        await waitFor('the new policy to be in force', () =>
          doorward.output().includes('a new configuration is in force') ? true : undefined,
        );
        const { status: after } = await bob.get(page('/sre/board'), API);
        return `bob ${before}, then ${after}`;
      },
    },
    {
      title: 'alice is revoked: doorward session revoke',
      expected: 'alice 200, then 401; bob 200',
      run: async () => {
        const { status: before } = await alice.get(page('/'), API);
        const run = async (args) => {
          const { code, stdout, stderr } = await doorward.command(['session', ...args, '-c', doorward.configFile]);
          if (code !== 0) throw new Error(`doorward session ${args.join(' ')} ended with ${code}: ${stderr}`);
          return stdout;
        };
        const { sessions } = JSON.parse(await run(['list', '--user', 'alice@example.com', '--output', 'json']));
        for (const { handle } of sessions) await run(['revoke', handle, '--reason', 'the tour']);
        const { status: after } = await alice.get(page('/'), API);
        const { status: others } = await bob.get(page('/'), API);
        return `alice ${before}, then ${after}; bob ${others}`;
      },
    },
  ];
};

const auditLine = ({ decision, status, code, route, rule, email, method, path, deny_reasons, allow_reasons }) => {
  const reasons = decision === 'allow' ? allow_reasons : [...deny_reasons, ...allow_reasons];
  const who = email ? ` ${email}` : '';
  const why = reasons.length === 0 ? '' : ` [${[...new Set(reasons)].join(', ')}]`;
  const where = rule === undefined || rule === null ? (route ?? '-') : `${route} ${rule}`;
  return `${decision} ${code}${status === 0 ? '' : ` ${status}`}${who} ${method} ${path} (${where})${why}`;
};

const SETTLED_MS = 200;

/** The records that a step left. They are written in batches: it is over when no more come. */
const newRecords = async (doorward, countBefore) => {
  await waitFor('the audit of a step', () => (doorward.audit().length > countBefore ? true : undefined));
  let count = 0;
  while (count < doorward.audit().length) {
    count = doorward.audit().length;
    await sleep(SETTLED_MS);
  }
  return doorward.audit().slice(countBefore);
};

const WIDTHS = [52, 54];
const row = (number, cells) =>
  `${String(number).padStart(2)}  ${cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0)).join(' ')}`.trimEnd();

/** The exit code: 0 when each step was as expected. */
export const playTour = async (stage) => {
  const steps = stepsOf(stage);
  console.log(`\n${row(' ', ['step', 'expected', 'seen'])}`);
  let recordsBefore = 0;
  for (const [index, { title, expected, run }] of steps.entries()) {
    let seen;
    try {
      seen = await run();
    } catch (error) {
      seen = `failed: ${error instanceof Error ? error.message : String(error)}`;
    }
    console.log(row(index + 1, [title, expected, seen === expected ? seen : `${seen}   <-- NOT AS EXPECTED`]));
    if (seen !== expected) {
      console.error(`\nDoorward said:\n${stage.doorward.output().slice(-2000)}`);
      return 1;
    }
    const records = await newRecords(stage.doorward, recordsBefore);
    recordsBefore += records.length;
    for (const record of records) console.log(`      audit: ${auditLine(record)}`);
  }
  console.log(`\n${steps.length} of ${steps.length} steps as expected`);
  return 0;
};
