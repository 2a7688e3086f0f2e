/** The identity provider down, slow, or answering what it must not. Who is signed in goes on; who signs in is told, in time. */

import { expect } from '@jest/globals';

import type { ProviderEndpoint, ProviderFault } from '../../support/oidc-provider.ts';
import { sleep } from '../../support/wait.ts';
import type { Scene } from '../scene.ts';
import { expectInService, ms, play, revokeAll } from './play.ts';
import type { Play } from './play.ts';

/** R11: 5 s, of which Envoy gives a Check no more. */
const TOLD_WITHIN_MS = 6000;

export type ProviderOutage = {
  readonly name: string;
  /** undefined: it is stopped. */
  readonly faults: Readonly<Partial<Record<ProviderEndpoint, ProviderFault>>> | undefined;
};

const HTML = { status: 200, contentType: 'text/html', body: '<h1>Down for maintenance</h1>' } as const;

/** In this order: keys that were read once are kept, and would be answered from there. */
export const PROVIDER_OUTAGES: readonly ProviderOutage[] = [
  { name: 'answers 404 for its keys', faults: { jwks: { status: 404 } } },
  { name: 'answers HTML instead of JSON', faults: { token: HTML } },
  { name: 'hangs', faults: { token: { hang: true } } },
  { name: 'is down', faults: undefined },
];

type SignIn = { readonly status: number; readonly tookMs: number; readonly hasCookie: boolean };

/** A whole sign-in where the provider lets one begin, else its last part with a code that was never given. */
async function trySignIn(scene: Scene, isDown: boolean): Promise<SignIn> {
  const { world } = scene;
  const page = `${world.origins('app')}/`;
  const client = world.client();
  let startedAt = performance.now();
  let status: number;
  if (isDown) {
    const begun = await client.send(page);
    const state = new URL(begun.header('location') ?? '').searchParams.get('state') ?? '';
    const answer = new URLSearchParams({ state, code: 'a-code', iss: world.issuer });
    startedAt = performance.now();
    ({ status } = await client.send(`${page}.doorward/callback?${answer.toString()}`));
  } else {
    ({ status } = await world.login(client, page, 'alice'));
  }
  const hasCookie = (await client.cookie(page, 'doorward')) !== undefined;
  return { status, tookMs: performance.now() - startedAt, hasCookie };
}

export async function providerOutage(options: Play, { name, faults }: ProviderOutage): Promise<void> {
  const { scene, faultMs } = options;
  const { world } = scene;
  const { shots } = await play(`the provider ${name}`, options, async (visitors) => {
    await revokeAll(scene, visitors.slice(0, 2));
    await (faults === undefined ? world.stopProvider() : world.provider().setFaults(faults));
    const [during] = await Promise.all([trySignIn(scene, faults === undefined), sleep(faultMs)]);
    expect(during).toMatchObject({ status: 503, hasCookie: false });
    expect(during.tookMs).toBeLessThan(TOLD_WITHIN_MS);
    await (faults === undefined ? world.startProvider() : world.provider().setFaults({}));
    const told = { 'sign-in told 503 after': ms(during.tookMs) };
    // The provider of the tests has other keys when it starts anew, and keys are asked for no more than twice a minute.
    if (faults === undefined) return told;
    const after = await trySignIn(scene, false);
    expect(after).toMatchObject({ status: 200, hasCookie: true });
    return { ...told, 'signed in afterwards in': ms(after.tookMs) };
  });
  expectInService(shots);
}
