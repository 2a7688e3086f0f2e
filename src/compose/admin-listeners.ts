/** Opens what administrators ask over: the socket, and the address where there is one. */

import { loadTlsMaterial, watchTlsFiles } from '../adapters/envoy/tls-files.ts';
import type { ServerConfig } from '../adapters/config/server-config.ts';
import { startAdminListener, type AdminListenerOptions, type AdminTls } from '../adapters/web/admin-listener.ts';
import { startAdminServer } from '../adapters/web/admin-server.ts';
import type { Logger } from '../core/ports.ts';

type Keys = Pick<ServerConfig, 'admin_socket' | 'admin_address' | 'admin_token_file' | 'admin_tls'>;

/** `close` gets how to close each. @throws Error with a sentence */
export async function openAdminListeners(
  server: Keys,
  api: Omit<AdminListenerOptions, 'address' | 'tokenFile' | 'tls'>,
  close: (() => Promise<void>)[],
): Promise<void> {
  if (server.admin_socket !== undefined) {
    const admin = await startAdminServer({ ...api, socketPath: server.admin_socket });
    close.push(() => admin.close());
  }
  if (server.admin_address !== undefined) {
    const { admin_address: address, admin_token_file: tokenFile, admin_tls: tls } = server;
    const listener = await startAdminListener({
      ...api,
      address,
      tokenFile,
      tls: tls === undefined ? undefined : await tlsOf(tls, api.logger),
    });
    close.push(() => listener.close());
  }
}

async function tlsOf(tls: NonNullable<Keys['admin_tls']>, logger: Logger): Promise<AdminTls> {
  const files = { ...tls, setting: 'admin_tls' } as const;
  const material = await loadTlsMaterial(files);
  return {
    material,
    watch: (onChange) => watchTlsFiles({ files, inUse: material, logger, onChange }),
    clientNames: tls.client_ca_file === undefined ? undefined : tls.client_names,
  };
}
