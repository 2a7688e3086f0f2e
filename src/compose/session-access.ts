/** How `doorward session` gets at sessions: a running service over its socket or at its admin address, or the store itself. */

import { readFile } from 'node:fs/promises';

import type { LoadedConfig } from '../adapters/config/load-config.ts';
import { parseListenAddress } from '../adapters/config/listen-address.ts';
import { createAdminAddressClient, createAdminClient, type AskAdmin } from '../adapters/web/admin-client.ts';
import { parseAdminTokens } from '../core/admin-tokens.ts';
import { isOfThisMachine } from '../core/listen-address.ts';
import { err, ok, type Result } from '../core/result.ts';
import { openDirectly } from './direct-sessions.ts';

/** As on the command line; at most one of `socket`, `address` and `direct`. */
export type AccessOptions = {
  readonly socket?: string;
  readonly address?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly direct?: boolean;
};

export type SessionAccess = { readonly ask: AskAdmin; readonly close: () => Promise<void> };

/**
 * `config` is asked for where it is needed. The error is a mistake in the options. @throws Error with a sentence where what they name cannot be
 * had
 */
export async function openSessionAccess(
  options: AccessOptions,
  config: () => Promise<LoadedConfig>,
): Promise<Result<SessionAccess, string>> {
  const mistake = mistakeIn(options);
  if (mistake !== undefined) return err(mistake);
  if (options.direct === true) return ok(await openDirectly(await config()));
  if (options.address !== undefined) return atAddress(options.address, options);
  const socket = options.socket ?? (await config()).server.admin_socket;
  if (socket === undefined)
    throw new Error('admin_socket is off in the configuration: name --address, or another --socket');
  return ok(lasting(createAdminClient(socket)));
}

const lasting = (ask: AskAdmin): SessionAccess => ({ ask, close: () => Promise.resolve() });

function mistakeIn({ address, tokenFile, ca, cert, key }: AccessOptions): string | undefined {
  const isForAddress = [tokenFile, ca, cert, key].some((file) => file !== undefined);
  if (isForAddress && address === undefined) return '--token-file, --ca, --cert and --key need --address';
  return (cert === undefined) === (key === undefined) ? undefined : '--cert and --key need each other';
}

async function atAddress(text: string, options: AccessOptions): Promise<Result<SessionAccess, string>> {
  const parsed = parseListenAddress(text);
  if (!parsed.ok || parsed.value.kind !== 'tcp' || text.startsWith(':'))
    return err('--address must be `host:port` or `[IPv6 address]:port`');
  const address = parsed.value;
  const { ca, cert, key, tokenFile } = options;
  // SECURITY: what proves who asks never goes to another machine in the clear.
  const isPlain = isOfThisMachine(address) && ca === undefined && cert === undefined;
  const tls = isPlain ? undefined : { ca: await textOf(ca), cert: await textOf(cert), key: await textOf(key) };
  return ok(lasting(createAdminAddressClient({ ...address, tls, token: await tokenIn(tokenFile) })));
}

/** The first that the file holds. @throws Error with a sentence */
async function tokenIn(file: string | undefined): Promise<string | undefined> {
  const text = await textOf(file);
  if (text === undefined) return undefined;
  const tokens = parseAdminTokens(text);
  if (!tokens.ok) throw new Error(`the token file ${file ?? ''} ${tokens.error}`);
  return tokens.value[0]?.token;
}

async function textOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'a fault'})`, {
      cause: error,
    });
  }
}
