/** Messages verified by keys that are published: which are believed, and how often their issuer is asked. */

import { describe, expect, test } from '@jest/globals';
import { CompactSign, exportJWK, generateKeyPair, type CompactJWSHeaderParameters, type CryptoKey } from 'jose';
import { createSignedMessages } from '../../../src/adapters/jose/signed-messages.ts';
import type { SignedMessages } from '../../../src/core/ports.ts';
import { aClock, type ManualClock } from '../../core/session/a-session.ts';

const trusted = { issuer: 'https://idp', jwksUri: 'https://idp/jwks', algorithms: ['ES256'] };

type Answer = () => Response | Promise<Response>;

async function setUp(answer?: Answer): Promise<{
  readonly messages: SignedMessages;
  readonly key: CryptoKey;
  readonly clock: ManualClock;
  readonly asked: string[];
}> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const asked: string[] = [];
  const clock = aClock();
  const published: Answer = () => new Response(JSON.stringify({ keys: [jwk] }), { status: 200 });
  const messages = createSignedMessages({
    clock,
    fetch: async (url) => {
      asked.push(url instanceof Request ? url.url : url.toString());
      return await (answer ?? published)();
    },
  });
  return { messages, key: privateKey, clock, asked };
}

const sign = (
  key: CryptoKey | Uint8Array,
  payload: string,
  header: Partial<CompactJWSHeaderParameters> = {},
): Promise<string> =>
  new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header }).sign(key);

describe('a message', () => {
  test('that verifies gives its header and claims, and the keys are fetched once', async () => {
    const { messages, key, asked } = await setUp();
    const message = await sign(key, '{"iss":"https://idp"}', { typ: 'logout+jwt' });
    const verified = {
      ok: true,
      value: { header: { alg: 'ES256', kid: 'k1', typ: 'logout+jwt' }, claims: { iss: 'https://idp' } },
    };
    expect(await Promise.all([messages.verify(message, trusted), messages.verify(message, trusted)])).toEqual([
      verified,
      verified,
    ]);
    expect(asked).toEqual(['https://idp/jwks']);
  });

  test('signed by another key is refused, also where it brings that key along', async () => {
    const { messages, asked } = await setUp();
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const brought = { jwk, jku: 'https://evil/jwks', x5u: 'https://evil/x5u' };
    expect((await messages.verify(await sign(privateKey, '{}', brought), trusted)).ok).toBe(false);
    expect(asked).toEqual(['https://idp/jwks']);
  });

  test('with an algorithm that the issuer does not use is refused before any key is fetched', async () => {
    const { messages, asked } = await setUp();
    const secret = Buffer.alloc(32, 7);
    expect((await messages.verify(await sign(secret, '{}', { alg: 'HS256' }), trusted)).ok).toBe(false);
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
    expect((await messages.verify(none, trusted)).ok).toBe(false);
    expect(asked).toEqual([]);
  });

  test.each(['garbage', 'a.b.c', ''])('that is %j is refused', async (message) => {
    const { messages } = await setUp();
    expect((await messages.verify(message, trusted)).ok).toBe(false);
  });

  test.each(['[]', 'null', 'text'])('whose claims are %s is refused', async (payload) => {
    const { messages, key } = await setUp();
    expect((await messages.verify(await sign(key, payload), trusted)).ok).toBe(false);
  });

  test('with critical header parameters is refused', async () => {
    const { messages, key } = await setUp();
    const signed = await new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 })
      .sign(key, { crit: { x: true } });
    expect((await messages.verify(signed, trusted)).ok).toBe(false);
  });
});

describe('keys', () => {
  test('that are not there are looked for again only after the cooldown', async () => {
    const { messages, key, asked } = await setUp();
    const message = await sign(key, '{}', { kid: 'unknown' });
    for (let count = 0; count < 5; count += 1) expect((await messages.verify(message, trusted)).ok).toBe(false);
    expect(asked).toHaveLength(1);
  });

  test.each<readonly [string, Answer]>([
    ['an error', () => new Response('', { status: 500 })],
    ['not found', () => new Response('{"keys":[]}', { status: 404 })],
    ['a page', () => new Response('<html>', { status: 200 })],
    ['JSON that is no key set', () => new Response('{}', { status: 200 })],
    ['too much', () => new Response(`{"keys":[],"x":"${'x'.repeat(600_000)}"}`, { status: 200 })],
    ['nothing', () => Promise.reject(new TypeError('fetch failed'))],
  ])('%s instead of them is an outage, asked again after the cooldown', async (_, answer) => {
    const { messages, key, clock, asked } = await setUp(answer);
    const message = await sign(key, '{}');
    const ask = (): Promise<unknown> => messages.verify(message, trusted);
    await expect(ask()).rejects.toMatchObject({ name: 'DependencyError', code: 'idp-unavailable' });
    await expect(ask()).rejects.toMatchObject({ code: 'idp-unavailable' });
    expect(asked).toHaveLength(1);
    clock.advance(30);
    await expect(ask()).rejects.toMatchObject({ code: 'idp-unavailable' });
    expect(asked).toHaveLength(2);
  });
});
