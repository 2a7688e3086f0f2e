/** Records as another version of Doorward wrote them, sealed by the same secret. */

import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';
import { sessionKey } from '../../../src/adapters/redis/keys.ts';
import { createRecordSealer, recordHead } from '../../../src/adapters/redis/record.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { encodeSession } from '../../../src/core/session/serialise.ts';
import type { Session } from '../../../src/core/session/session.ts';

/** Of format 1, the JSON of the session, unless said otherwise. */
export function olderRecord(
  secret: string,
  session: Session,
  { format = 1, body = encodeSession(session) }: { readonly format?: number; readonly body?: string | Buffer } = {},
): Buffer {
  const key = sessionKey(session.handle);
  const root = new Uint8Array(hkdfSync('sha256', secret, '', 'doorward record v1', 32));
  const nonce = Buffer.alloc(12, 3);
  const cipher = createCipheriv('aes-256-gcm', createHmac('sha256', root).update(key).digest(), nonce);
  cipher.setAAD(Buffer.from(`doorward record v${format}\0${key}\0${session.version}`));
  const sealed = [nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()];
  const head = Buffer.concat([Buffer.of(format), recordHead(session.version).subarray(1)]);
  const seen = createRecordSealer([secret], systemEntropy).sealSeen(session.handle, session.lastSeenAt);
  return Buffer.concat([head, seen, ...sealed]);
}
