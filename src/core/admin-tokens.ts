/** Tokens of administrators, as their file has them: one to a line, each may have a name before it. */

import { createHash } from 'node:crypto';

import type { AdminTokenName } from './audit/change-record.ts';
import { err, ok, type Result } from './result.ts';
import { weaknessOf } from './secret-strength.ts';
import { isSameSecret } from './signals/same-secret.ts';

export type AdminToken = AdminTokenName & { readonly token: string };

const TOKENS_MAX = 100;
/** A name or none, and what a header can carry (RFC 6750 §2.1), within bounds. */
const LINE = /^(?:([A-Za-z0-9][A-Za-z0-9._@-]{0,63})[ \t]+)?([A-Za-z0-9._~+/-]{1,512}=*)$/;
/** Hex digits: enough to tell tokens apart, and of no use for finding one. */
const FINGERPRINT_DIGITS = 12;

/** At least one. The error follows "the file", and has nothing of its content. */
export function parseAdminTokens(text: string): Result<readonly AdminToken[], string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return err('is empty: it must have a token');
  if (lines.length > TOKENS_MAX) return err(`has more than ${TOKENS_MAX} tokens`);
  const tokens: AdminToken[] = [];
  for (const line of lines) {
    const [, name, token] = LINE.exec(line.trim()) ?? [];
    if (token === undefined) return err('must have a token to a line, or a name and a token');
    const weakness = weaknessOf(token);
    if (weakness !== undefined) return err(`has a token that ${weakness}`);
    if (tokens.some((other) => other.token === token)) return err('has a token twice');
    tokens.push({ token, name, fingerprint: fingerprintOf(token) });
  }
  return ok(tokens);
}

const fingerprintOf = (token: string): string =>
  createHash('sha256').update(token).digest('hex').slice(0, FINGERPRINT_DIGITS);

/** Whose token it is; undefined for nobody's. Takes as long for any. */
export function ownerOfToken(said: string, tokens: readonly AdminToken[]): AdminTokenName | undefined {
  let owner: AdminTokenName | undefined;
  for (const { token, name, fingerprint } of tokens) if (isSameSecret(said, token)) owner = { name, fingerprint };
  return owner;
}

const GROUP_WRITES_OR_OTHERS = 0o027;
const ROOT = 0;

/** Why a file of secrets is not private enough; follows "the file". `uid`: of its owner; `ownUid`: undefined where there are no such things. */
export function exposureOf(
  { mode, uid }: { readonly mode: number; readonly uid: number },
  ownUid: number | undefined,
): string | undefined {
  if ((mode & GROUP_WRITES_OR_OTHERS) !== 0)
    return 'can be read by others, or written to by its group: chmod 640 or less';
  return ownUid === undefined || uid === ROOT || uid === ownUid ? undefined : 'belongs to somebody else';
}
