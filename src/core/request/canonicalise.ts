/**
 * canonicalise: authority and path of a request into the one reading that is judged, or a refusal. It never mends: what the upstream might
 * read differently is refused, or named as an irregularity that a route must relax. Never `new URL()` here: it mends.
 */

import type { PathRelaxation } from '../config.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { AccessRequest } from './access-request.ts';
import { canonicalHost } from './host.ts';
import type { Decoded } from './percent.ts';
import { decodeOnce, hasBrokenEscape } from './percent.ts';
import type { CanonicalTarget, Malformed } from './target.ts';

/** Envoy bounds all headers of a request to 60 KiB by default; a longer path is no request that it would forward. */
const PATH_LENGTH_MAX = 65_536;

/** Rounds of decoding that are looked through. Text that still changes after them is refused: nobody encodes so often in earnest. */
const DECODING_ROUNDS_MAX = 4;

const SPACE = 0x20;
const HASH = 0x23;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const QUESTION_MARK = 0x3f;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/** Every irregularity, in the order in which a refusal names the first. */
export const pathRelaxations: readonly PathRelaxation[] = [
  'dot_segments',
  'encoded_slash',
  'backslash',
  'double_slash',
  'non_ascii',
];

const malformed = (reason: string): Result<never, Malformed> => err({ reason });

/** The one reading of the request's target. Total: any text gives a target or a reason. */
export function canonicalise(
  request: Pick<AccessRequest, 'method' | 'authority' | 'path'>,
): Result<CanonicalTarget, Malformed> {
  const host = canonicalHost(request.authority);
  if (host === undefined) return malformed('the Host (:authority) is not exactly one well-formed host');

  const raw = request.path;
  if (!raw.startsWith('/')) {
    const isAllowed = (raw === '' && request.method === 'CONNECT') || (raw === '*' && request.method === 'OPTIONS');
    if (!isAllowed) return malformed('the path does not begin with a slash');
    return ok({ host, path: raw, decodedPath: raw, query: undefined, irregularities: [], hasParameters: false });
  }
  if (raw.length > PATH_LENGTH_MAX) return malformed('the path is too long');

  const scan = scanTarget(raw);
  if (typeof scan === 'string') return malformed(scan);
  const path = scan.queryAt === -1 ? raw : raw.slice(0, scan.queryAt);
  const query = scan.queryAt === -1 ? undefined : raw.slice(scan.queryAt + 1);
  if (!scan.isRemarkable && !scan.hasNonAscii) {
    return ok({ host, path, decodedPath: path, query, irregularities: [], hasParameters: false });
  }
  const inspection = inspectPath(path, scan.hasNonAscii);
  return inspection.ok ? ok({ host, path, query, ...inspection.value }) : inspection;
}

type Scan = {
  /** Index of the first `?`, or -1. */
  readonly queryAt: number;
  /** The path has something that must be looked at: `%`, `;`, `\`, `//` or a segment that begins with a dot. */
  readonly isRemarkable: boolean;
  readonly hasNonAscii: boolean;
};

/** One pass over path and query; a string is why neither is acceptable anywhere. Almost every path ends here. */
function scanTarget(raw: string): Scan | string {
  let queryAt = -1;
  let isRemarkable = false;
  let hasNonAscii = false;
  let previous = 0;
  for (let index = 0; index < raw.length; index += 1) {
    const code = raw.charCodeAt(index);
    if (code <= SPACE || code === DELETE) return 'the path has a blank or a control character';
    if (code === HASH) return 'the path has a fragment';
    if (code > DELETE) hasNonAscii = true;
    if (queryAt !== -1) continue;
    if (code === QUESTION_MARK) queryAt = index;
    else if (code === PERCENT || code === SEMICOLON || code === BACKSLASH) isRemarkable = true;
    else if (previous === SLASH && (code === SLASH || code === DOT)) isRemarkable = true;
    previous = code;
  }
  return { queryAt, isRemarkable, hasNonAscii };
}

type Inspection = Pick<CanonicalTarget, 'decodedPath' | 'irregularities' | 'hasParameters'>;

/** Looks at the path as it is and after each further decoding, until decoding changes nothing. */
function inspectPath(path: string, hasNonAscii: boolean): Result<Inspection, Malformed> {
  if (hasBrokenEscape(path)) return malformed('the path has a % that is not followed by two hex digits');
  const found = new Set<PathRelaxation>(hasNonAscii ? ['non_ascii'] : []);
  let decodedPath = path;
  let hasParameters = false;
  let text = path;
  for (let round = 0; ; round += 1) {
    findInText(text, found);
    hasParameters ||= text.includes(';');
    const decoded = decodeOnce(text);
    if (decoded.isSame) break;
    if (round === DECODING_ROUNDS_MAX) return malformed('the path is encoded too many times over');
    const fault = faultOfDecoding(decoded);
    if (fault !== undefined) return malformed(fault);
    if (decoded.hasSlash) found.add('encoded_slash');
    if (decoded.hasInvalidUtf8) found.add('non_ascii');
    if (round === 0) decodedPath = decoded.opaqueText;
    text = decoded.text;
  }
  return ok({ decodedPath, irregularities: pathRelaxations.filter((name) => found.has(name)), hasParameters });
}

function faultOfDecoding(decoded: Decoded): string | undefined {
  if (decoded.hasControl) return 'the path has an encoded control character';
  if (decoded.hasOverlong) return 'the path has an overlong encoding';
  return undefined;
}

function findInText(text: string, found: Set<PathRelaxation>): void {
  if (text.includes('\\')) found.add('backslash');
  if (text.includes('//')) found.add('double_slash');
  if (hasDotSegment(text)) found.add('dot_segments');
}

/** `;` ends a segment too: some upstreams strip what follows it, so that `..;x` is `..`, and `a;..` is not worth a guess. */
const hasDotSegment = (text: string): boolean => text.split(/[/\\;]/).some((piece) => piece === '.' || piece === '..');

/**
 * The other ways in which an upstream might read the path: decoded once or more, with parameters stripped, backslashes as slashes, slashes
 * merged and dot segments resolved, in each combination that some server is known for. Empty for a plain path.
 */
export function otherReadings(target: CanonicalTarget): readonly string[] {
  if (target.decodedPath === target.path && target.irregularities.length === 0 && !target.hasParameters) return [];
  const readings = new Set<string>();
  let text = target.path;
  for (;;) {
    for (const slashed of [text, text.replace(/\\/g, '/')]) {
      const stripped = slashed.replace(/;[^/]*/g, '');
      readings.add(slashed).add(resolve(slashed)).add(stripped).add(resolve(stripped));
    }
    const decoded = decodeOnce(text);
    if (decoded.isSame) break;
    text = decoded.text;
  }
  readings.delete(target.path);
  return [...readings];
}

function resolve(text: string): string {
  const segments = text.replace(/\\/g, '/').split('/');
  const isFolder = /[/\\]\.{0,2}$/.test(text);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}${isFolder && kept.length > 0 ? '/' : ''}`;
}
