/** A second Doorward with an Envoy of its own beside a world: the same configuration, and so the same Redis; the same host names. */

import { startDoorward } from './doorward.ts';
import type { RunningDoorward } from './doorward.ts';
import { startEnvoy } from './envoy.ts';
import type { EnvoyProfile } from './envoy.ts';
import { freePort } from './ports.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { API, type WebClient } from './web-client.ts';
import type { HostName, World } from './world.ts';

export type SecondProcess = {
  readonly doorward: RunningDoorward;
  /** As `world.origins`, with the port of the second Envoy: cookies do not tell them apart. */
  origins(host: HostName): string;
  /** What a page of the application is worth to a client at either process, both asked at once. */
  statuses(client: WebClient, path?: string): Promise<readonly number[]>;
  close(): Promise<void>;
};

/** `upstreamPort`: where not the world's. */
export async function startSecondProcess(
  world: World,
  profile: EnvoyProfile,
  upstreamPort = world.upstream.port,
): Promise<SecondProcess> {
  const folder = temporaryFolder();
  const closers: (() => Promise<void> | void)[] = [() => folder.remove()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const port = await freePort();
    const address = `unix:${folder.file('check.sock')}`;
    const doorward = await startDoorward({ folder, address, config: world.config });
    closers.push(() => doorward.stop());
    const hosts = (['app', 'other', 'auth'] as const).map((host) => new URL(world.origins(host)).hostname);
    const envoy = await startEnvoy({
      profile,
      folder,
      port,
      doorward: address,
      upstreamPort,
      hosts: hosts.slice(0, 2),
      ...(world.scheme === 'https'
        ? {
            tls: world.ca.issue(
              'second-edge',
              hosts.map((host) => `DNS:${host}`),
            ),
          }
        : {}),
    });
    closers.push(() => envoy.stop());
    const origins = (host: HostName): string => {
      const url = new URL(world.origins(host));
      url.port = String(port);
      return url.origin;
    };
    return {
      doorward,
      origins,
      statuses: async (client, path = '/') => {
        const answers = await Promise.all(
          [world.origins('app'), origins('app')].map((origin) => client.get(`${origin}${path}`, API)),
        );
        return answers.map(({ status }) => status);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
