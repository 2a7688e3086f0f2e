/** Addresses to listen at: `host:port`, `[v6]:port`, `:port` for all interfaces, `unix:/path`. */

import { isIP } from 'node:net';
import type { ListenAddress } from '../../core/listen-address.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';

/** `sun_path` of unix(7) without its ending NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** The error follows the key. */
export function parseListenAddress(text: string): Result<ListenAddress, string> {
  if (text.startsWith('unix:')) return parseSocketPath(text.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''));
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):([0-9]{1,5})$/.exec(text);
  if (match === null) return err('must be `host:port`, `[IPv6 address]:port` or `unix:/path`');
  const [, v6, name, digits] = match;
  const port = Number(digits);
  if (port > 65535) return err('has a port above 65535');
  if (v6 !== undefined && isIP(v6) !== 6) return err('has no IPv6 address between its brackets');
  const host = v6 ?? (name === '' || name === undefined ? '::' : name.toLowerCase());
  if (isIP(host) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host)) return err('has a host that is no name');
  return ok({ kind: 'tcp', host, port });
}

/** The error follows the key. */
export function parseSocketPath(path: string): Result<ListenAddress, string> {
  if (!path.startsWith('/')) return err('must be an absolute path of a socket, such as `/run/doorward/check.sock`');
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    return err(`is longer than the ${SOCKET_PATH_BYTES_MAX} bytes that a socket path may have`);
  return ok({ kind: 'unix', path });
}
