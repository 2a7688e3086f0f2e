/** Whether the reader and the oracle have read the same. */

import { expect } from '@jest/globals';

import type { AccessRequest } from '../../../src/core/request/access-request.ts';
import type { CheckRequestMessage } from './oracle.ts';

/** Everything that Doorward reads is the same in both. */
export function expectAgreement(request: AccessRequest, message: CheckRequestMessage): void {
  const attributes = message.attributes ?? undefined;
  const http = attributes?.request?.http ?? undefined;
  const socket = attributes?.source?.address?.socket_address ?? undefined;
  expect(request).toMatchObject({
    isHttp: http !== undefined,
    method: http?.method ?? '',
    path: http?.path ?? '',
    authority: http?.host ?? '',
    scheme: http?.scheme ?? '',
    protocol: http?.protocol ?? '',
    source: {
      address: socket?.address ?? '',
      port: socket?.port_value ?? 0,
      principal: attributes?.source?.principal ?? '',
      certificate: attributes?.source?.certificate ?? '',
    },
  });

  const raw = http?.header_map?.headers ?? [];
  expect(request.hasRawHeaders).toBe(raw.length > 0);
  const lines: (readonly [string, string])[] =
    raw.length > 0
      ? raw.map(({ key = '', value = '', raw_value }) => [
          key,
          raw_value !== undefined && raw_value.length > 0 ? Buffer.from(raw_value).toString() : value,
        ])
      : Object.entries(http?.headers ?? {});
  const names = [...new Set(lines.map(([name]) => name.toLowerCase()))];
  expect([...request.headers.names()].sort()).toEqual([...names].sort());
  for (const name of names) {
    expect(request.headers.lines(name)).toEqual(
      lines.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value),
    );
  }
  expect(request.headers.lines('no-such-header')).toEqual([]);

  const body = http?.raw_body?.length ? Buffer.from(http.raw_body) : Buffer.from(http?.body ?? '');
  expect(Buffer.from(request.body?.bytes ?? [])).toEqual(body);
  for (const [key, value] of Object.entries(attributes?.context_extensions ?? {})) {
    if (/^[\x20-\x7e]*$/.test(key)) expect(request.contextExtension(key)).toBe(value);
  }
}
