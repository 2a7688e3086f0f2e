import { describe, expect, test } from '@jest/globals';
import type { UpstreamChanges } from '../../../src/core/response/decision.ts';
import { upstreamOf } from '../../../src/core/assertion/upstream.ts';
import { aSession, NOW } from '../session/a-session.ts';
import { anUpstreamInput, claimsIn, HOST, received, receivedHeaders, type Given } from './an-upstream.ts';

const ASSERTION = 'x-pomerium-jwt-assertion';
const inPomerium = (given: Given = {}): Given => ({
  ...given,
  config: { identity_semantics: 'pomerium', ...given.config },
});
const headersOf = (given: Given = {}): Readonly<Record<string, readonly string[]>> =>
  receivedHeaders(inPomerium(given));
const changesOf = (given: Given = {}): UpstreamChanges => upstreamOf(anUpstreamInput(inPomerium(given)));

describe('the Pomerium identity semantics', () => {
  test('make an assertion for nobody too', () => {
    expect(claimsIn(headersOf({ session: undefined })[ASSERTION]?.[0])).toEqual({
      ...{ iss: HOST, aud: HOST, sub: '', user: '', email: '', groups: [], name: '', sid: '' },
      ...{ iat: NOW, exp: NOW + 300, jti: '01010101-0101-4101-8101-010101010101' },
    });
  });

  test('name a user by the claim, and join what is a list', () => {
    const session = aSession({
      name: 'Not this',
      claims: new Map([
        ['name', ['A', 'B']],
        ['groups', ['g', 2, true]],
        ['department', ['a', 1234567]],
      ]),
    });
    const headers = headersOf({ session });
    expect(claimsIn(headers[ASSERTION]?.[0])).toMatchObject({
      name: 'A,B',
      groups: ['g', '2', 'true'],
      department: 'a,1.234567e+06',
      exp: NOW + 300,
    });
    expect(headers).toMatchObject({
      'x-groups': ['g,2,true'],
      'x-department': ['a,1.234567e+06'],
      'x-email': ['alice@example.com'],
    });
  });

  test('take the name from the user where the session has none, else none', () => {
    const user = aSession({ userClaims: new Map([['name', ['U']]]) });
    expect(claimsIn(headersOf({ session: user })[ASSERTION]?.[0])['name']).toBe('U');
    expect(claimsIn(headersOf()[ASSERTION]?.[0])['name']).toBe('');
  });

  test('carry the assertion that the client sent over as another header', () => {
    expect(headersOf({ headers: [[ASSERTION, 'theirs']] })).toMatchObject({ [`${ASSERTION}-for`]: ['theirs'] });
    const both: Given = {
      headers: [
        [ASSERTION, 'a'],
        [`${ASSERTION}-for`, 'b'],
      ],
    };
    expect(headersOf(both)).toMatchObject({ [`${ASSERTION}-for`]: ['b'] });
    expect(headersOf(both)[ASSERTION]?.[0]).toMatch(/^signed:/);
    expect(headersOf({ ...both, route: { passIdentityHeaders: false } })).toEqual({});
  });

  test('add configured values to those that are set', () => {
    const headers = headersOf({ setRequestHeaders: { 'X-Email': 'more', 'x-h': '${pomerium.jwt}' } });
    expect(headers['x-email']).toEqual(['alice@example.com,more']);
    expect(headers['x-h']).toEqual(headers[ASSERTION]);
  });

  test('sign nothing that nobody is to see', () => {
    let signatures = 0;
    const signer = { sign: () => `signed ${++signatures}`, jwks: () => '' };
    const hidden: Given = { route: { passIdentityHeaders: false }, input: { signer } };
    expect(changesOf(hidden).set).toEqual([]);
    expect(signatures).toBe(0);
    expect(changesOf({ ...hidden, setRequestHeaders: { 'x-j': '$pomerium.jwt' } }).set).toEqual([['x-j', 'signed 1']]);
  });

  test('tell the times and the id of the assertion by headers', () => {
    const config = { jwt_claims_headers: { 'x-iat': 'iat', 'x-exp': 'exp', 'x-jti': 'jti' } };
    expect(headersOf({ config })).toMatchObject({
      'x-iat': [`${NOW}`],
      'x-exp': [`${NOW + 300}`],
      'x-jti': ['01010101-0101-4101-8101-010101010101'],
    });
  });

  test('fill references with lists as they are, and with a certificate that nobody validated', () => {
    const leaf = { fingerprint: 'ab', spkiHash: '', sanDns: ['a', 'b,c', 'd'], sanEmail: [], sanUri: [] };
    const headers = headersOf({
      session: aSession({ claims: new Map([['c', ['a,b', 'é']]]) }),
      setRequestHeaders: {
        'x-1': '${claims.c}',
        'x-2': '${pomerium.client_cert_fingerprint} ${pomerium.client_cert_san_dns}',
        'x-3': '${user.email}',
      },
      input: { certificate: () => ({ presented: true, valid: false, leaf }) },
    });
    expect(headers).toMatchObject({ 'x-1': ['a,b,é'], 'x-2': ['ab a,d'], 'x-3': ['alice@example.com'] });
    expect(
      headersOf({ session: undefined, setRequestHeaders: { 'x-3': '<${user.email}${claims.c}>' } })['x-3'],
    ).toEqual(['<>']);
  });

  test('send no control character either', () => {
    const session = aSession({ claims: new Map([['department', ['a\r\nx: 1', '\0']]]) });
    expect(headersOf({ session })['x-department']).toEqual(['a%0D%0Ax: 1,%00']);
  });

  test('take nothing else from a client that could pass for identity', () => {
    const { headers } = received(
      anUpstreamInput(
        inPomerium({
          session: undefined,
          headers: [
            ['x_pomerium_jwt_assertion', 'forged'],
            ['x-pomerium-claim-anything', 'forged'],
            ['x-email', 'forged'],
            ['cookie', '_doorward=secret; a=1'],
            ['authorization', 'Pomerium secret'],
          ],
        }),
      ),
    );
    expect([...headers.keys()].sort()).toEqual(['cookie', 'x-department', 'x-email', 'x-groups', ASSERTION]);
    expect(headers.get('cookie')).toEqual(['a=1']);
    expect(headers.get('x-email')).toEqual(['']);
  });
});
