/** `shared_signals` of the configuration file. */

import { expect, test } from '@jest/globals';
import { loaded, loadedWith, ROUTES, SECRETS, told } from './support.ts';

const GOOD = 'issuer: "https://ssf.example.com", jwks_uri: "https://ssf.example.com/jwks", audience: doorward';

test('transmitters have defaults, and their secret by text or by file', async () => {
  const { access } = await loadedWith(
    `shared_signals:\n  a: { ${GOOD} }\n  b: { issuer: b, jwks_uri: "http://127.0.0.1:1/jwks", audience: x, algorithms: ES256, critical_subject_members: tenant, authorization_file: s }`,
    { files: { s: 'Bearer key\n' } },
  );
  expect(access.shared_signals).toEqual([
    {
      name: 'a',
      issuer: 'https://ssf.example.com',
      jwks_uri: 'https://ssf.example.com/jwks',
      audience: 'doorward',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    },
    {
      name: 'b',
      issuer: 'b',
      jwks_uri: 'http://127.0.0.1:1/jwks',
      audience: 'x',
      algorithms: ['ES256'],
      critical_subject_members: ['tenant'],
      authorization: 'Bearer key',
    },
  ]);
});

test('the hash of the configuration knows nothing of the secret', async () => {
  const hashOf = async (secret: string): Promise<string> =>
    (await loaded(`shared_signals: { a: { ${GOOD}, authorization: ${secret} } }\n${SECRETS}${ROUTES}`)).contentHash;
  expect(await hashOf('one')).toBe(await hashOf('other'));
});

test.each([
  [
    `{ a: { ${GOOD}, jwks_uri: "http://ssf.example.com/jwks" } }`.replace(
      'jwks_uri: "https://ssf.example.com/jwks", ',
      '',
    ),
  ],
  [`{ a: { ${GOOD}, jwks_uri: "https://u:p@x.example/" } }`.replace('jwks_uri: "https://ssf.example.com/jwks", ', '')],
  [`{ a: { ${GOOD}, jwks_uri: "jwks" } }`.replace('jwks_uri: "https://ssf.example.com/jwks", ', '')],
])('the place of the keys in %s is refused', async (yaml) => {
  expect((await told(`shared_signals: ${yaml}\n`)).join('\n')).toContain(
    '`shared_signals.a.jwks_uri` must be an https URL',
  );
});

test.each([
  [`{ a: { ${GOOD}, algorithms: [HS256] } }`, '`shared_signals.a.algorithms` must be a list of RS256'],
  [`{ a: { ${GOOD}, algorithms: [none] } }`, '`shared_signals.a.algorithms` must be a list of RS256'],
  [`{ a: { ${GOOD}, critical_subject_members: [1] } }`, '`shared_signals.a.critical_subject_members'],
  [`{ a: { ${GOOD}, algorithms: [] } }`, '`shared_signals.a.algorithms` must be a list of RS256'],
  [`{ a: { ${GOOD} }, b: { ${GOOD} } }`, '`shared_signals.b.issuer` is that of another transmitter'],
  [`{ a: { ${GOOD}, authorization: x, authorization_file: y } }`, 'are both given'],
  ['{ "A b": {} }', 'must have names of lower-case letters'],
  ['{ a: { issuer: x } }', 'jwks_uri'],
  ['[]', 'must be a map of names to transmitters'],
])('%s is refused', async (yaml, message) => {
  expect((await told(`shared_signals: ${yaml}\n`)).join('\n')).toContain(message);
});
