/**
 * MCP messages: what the body of a request says as JSON-RPC 2.0, as far as policies look at it. `readable` is true only where every
 * reader must come to the same method and the same tool; a message that two readers could take differently is not. Never throws.
 * Source: Model Context Protocol, "Streamable HTTP"; JSON-RPC 2.0 §4.
 */

import type { McpFacts } from './facts.ts';
import { foldedName } from './folded-name.ts';

export type McpMessageSource = {
  readonly method: string;
  /** The `content-type` header; '' when there is none. */
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Only the beginning of the body is here. */
  readonly isPartial: boolean;
  /** Bytes that were not UTF-8 have been replaced by `!` on the way. */
  readonly isLossy?: boolean;
};

const unreadable: McpFacts = { method: '', tool: undefined, readable: false };
/** Opening or closing a stream, or answering the server. */
const noRequest: McpFacts = { method: '', tool: undefined, readable: true };

const TOOL_CALL = 'tools/call';

export function parseMcpMessage(source: McpMessageSource): McpFacts {
  const { body, contentType } = source;
  if (source.method !== 'POST') return body.length === 0 && !source.isPartial ? noRequest : unreadable;
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (source.isPartial || mediaType !== 'application/json') return unreadable;
  const text = Buffer.from(body).toString('utf8');
  const message = parseObject(text);
  if (message?.['jsonrpc'] !== '2.0' || !isId(message['id'])) return unreadable;
  const method = message['method'];
  if (method === undefined) {
    const isAnswer = ('result' in message || 'error' in message) && !hasRivalKeys(text, 1);
    return isAnswer && isInUtf8(contentType) ? noRequest : unreadable;
  }
  if (typeof method !== 'string' || method === '') return unreadable;

  const isClear = isInUtf8(contentType) && !hasRivalKeys(text, 2) && !(source.isLossy === true && method.includes('!'));
  if (method !== TOOL_CALL) return { method, tool: undefined, readable: isClear };
  const tool = toolOf(message['params']);
  const isExact = tool !== undefined && !(source.isLossy === true && tool.name.includes('!')) && tool.isExact;
  return { method, tool: tool?.name, readable: isClear && isExact };
}

type JsonObject = { readonly [key: string]: unknown };

const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isId = (id: unknown): boolean =>
  id === undefined || id === null || typeof id === 'string' || typeof id === 'number';

/** What JSON is in, whatever is said (RFC 8259 §8.1); but some readers go by what is said. */
const isInUtf8 = (contentType: string): boolean =>
  [...contentType.matchAll(/charset\s*=\s*"?([^";\s]*)/gi)].every(([, name]) =>
    /^(?:utf-?8|us-ascii)$/i.test(name ?? ''),
  );

/** Some readers of JSON ignore the case of a key, and take the last that fits. */
function toolOf(params: unknown): { readonly name: string; readonly isExact: boolean } | undefined {
  if (!isJsonObject(params)) return undefined;
  const isWrong = ([key, value]: readonly [string, unknown]): boolean =>
    foldedName(key) === 'arguments' && value !== null && !isJsonObject(value);
  const entries = Object.entries(params);
  if (entries.some(isWrong)) return undefined;
  const names = entries.filter(([key, value]) => foldedName(key) === 'name' && value !== null);
  if (names.some(([, value]) => typeof value !== 'string')) return undefined;
  const last = names.at(-1);
  return { name: typeof last?.[1] === 'string' ? last[1] : '', isExact: names.length === 1 && last?.[0] === 'name' };
}

const deciding = new Set(['jsonrpc', 'method', 'params', 'name']);

/** Whether an object of the text, down to a depth, has a deciding key twice or in another form: readers differ in which one they take. */
function hasRivalKeys(text: string, depth: number): boolean {
  // One entry per open bracket: the deciding keys of an object so far, or undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/g;
  for (const [found, colon] of text.matchAll(token)) {
    if (found === '{') open.push(new Set());
    else if (found === '[') open.push(undefined);
    else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined && open.length <= depth) {
      const key = String(JSON.parse(found.slice(0, -colon.length)));
      const keys = open.at(-1);
      if (!deciding.has(foldedName(key))) continue;
      if (keys === undefined || keys.has(key) || key !== foldedName(key)) return true;
      keys.add(key);
    }
  }
  return false;
}
