/**
 * CEL expressions (https://cel.dev) over the facts of a request: read, checked and bounded once per load. The only place that knows the
 * package behind it. An expression sees the variables below and calls the functions below; it reaches nothing of the runtime.
 */

import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { inspectCel } from './cel-inspect.ts';
import type { CelTree, CelUse } from './cel-inspect.ts';
import { celValues } from './cel-values.ts';
import type { PolicyFacts } from './facts.ts';

export type CelProgram = CelUse & {
  /** @throws where it cannot be judged, as CEL says: a key that is not there, an index too high, a value of another type. */
  evaluate(facts: PolicyFacts): boolean;
};

/** Characters of one expression. */
const SOURCE_CHARS_MAX = 4096;

/** Bounds on what one expression can cost to read and to evaluate. Comprehensions do not nest (cel-inspect.ts). */
const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 4 };

const environment = new Environment({ limits: LIMITS })
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerVariable('claims', 'map<string, list<dyn>>')
  .registerVariable({
    name: 'request',
    schema: {
      method: 'string',
      host: 'string',
      path: 'string',
      ip: 'string',
      headers: 'map<string, list<string>>',
      query: 'map<string, list<string>>',
    },
  })
  .registerVariable({
    name: 'subject',
    schema: { id: 'string', issuer: 'string', email: 'string', name: 'string', groups: 'list<string>' },
  })
  .registerVariable({ name: 'target', schema: { labels: 'map<string, string>' } })
  .registerVariable({
    name: 'certificate',
    schema: {
      presented: 'bool',
      valid: 'bool',
      fingerprint: 'string',
      spki_hash: 'string',
      san_email: 'list<string>',
      san_dns: 'list<string>',
      san_uri: 'list<string>',
    },
  })
  .registerVariable({ name: 'mcp', schema: { method: 'string', tool: 'string' } });

/** Characters of a text that a regular expression is applied to: linear time, with a large factor. */
const SEARCHED_CHARS_MAX = 8192;

/** In place of `matches`, whose own regular expressions are not of linear time. No expression can name it: it is not among the functions. */
const LINEAR_MATCHES = 'linearMatches';

/** The error is one sentence without the expression. `ownHeaders`: as in header-name.ts. */
export function compileCel(source: string, ownHeaders: ReadonlySet<string>): Result<CelProgram, string> {
  if (source.length > SOURCE_CHARS_MAX) return err(`the expression is longer than ${SOURCE_CHARS_MAX} characters`);
  const parsed = parse(source);
  if (!parsed.ok) return parsed;
  const inspected = inspectCel(treeOf(parsed.value.ast), ownHeaders);
  if (!inspected.ok) return inspected;
  const { use, patterns } = inspected.value;
  const program = patterns.size === 0 ? parsed.value : withMatches(patterns).parse(source);
  renameMatches(program.ast);
  const checked = program.check();
  if (!checked.valid) return err(describeCelError(checked.error));
  if (checked.type !== 'bool')
    return err(`the expression gives ${String(checked.type)}, and must give bool: compare its value`);
  const values = celValues(use);
  return ok({ ...use, evaluate: (facts) => assertBool(program(values(facts))) });
}

/** That the types were checked says so already; what would come of another value must not be left to chance. @throws TypeError */
export function assertBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError('the expression gave no bool');
}

function treeOf(node: ASTNode): CelTree {
  switch (node.op) {
    case 'value':
      return { kind: 'literal', value: node.args };
    case 'id':
      return { kind: 'name', name: node.args };
    case '.':
    case '.?':
      return { kind: 'member', of: treeOf(node.args[0]), key: node.args[1], index: undefined };
    case '[]':
    case '[?]': {
      const index = treeOf(node.args[1]);
      const key = index.kind === 'literal' && typeof index.value === 'string' ? index.value : undefined;
      return { kind: 'member', of: treeOf(node.args[0]), key, index };
    }
    case 'call':
      return { kind: 'call', name: node.args[0], receiver: undefined, args: node.args[1].map(treeOf) };
    case 'rcall':
      return { kind: 'call', name: node.args[0], receiver: treeOf(node.args[1]), args: node.args[2].map(treeOf) };
    case 'in':
      return { kind: 'in', left: treeOf(node.args[0]), right: treeOf(node.args[1]) };
    case '!_':
    case '-_':
      return { kind: 'other', parts: [treeOf(node.args)] };
    case 'map':
      return { kind: 'other', parts: node.args.flat().map(treeOf) };
    default:
      return { kind: 'other', parts: node.args.map(treeOf) };
  }
}

/** Below every node, `matches` becomes the function of linear time. */
function renameMatches(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  if (Array.isArray(part)) {
    for (const inner of part) renameMatches(inner);
    return;
  }
  const { op, args } = part as { readonly op?: unknown; readonly args?: unknown };
  if (op === 'rcall' && Array.isArray(args) && args[0] === 'matches') args[0] = LINEAR_MATCHES;
  renameMatches(args);
}

function withMatches(patterns: ReadonlyMap<string, (text: string) => boolean>): Environment {
  return environment.clone().registerFunction(
    `string.${LINEAR_MATCHES}(string): bool`,
    (text: string, pattern: string): boolean => {
      if (text.length > SEARCHED_CHARS_MAX) throw new RangeError('the text is too long for a regular expression');
      return [...patterns].some(([known, search]) => known === pattern && search(text));
    },
    { async: false },
  );
}

function parse(source: string): Result<ParseResult, string> {
  try {
    return ok(environment.parse(source));
  } catch (error) {
    return err(describeCelError(error));
  }
}

/** The package's errors carry a summary and a range. */
export function describeCelError(error: unknown): string {
  const { summary, range } = error as { readonly summary?: string; readonly range?: { readonly start: number } };
  const place = range === undefined ? '' : ` (at character ${range.start + 1})`;
  return `not a CEL expression${summary === undefined ? '' : `: ${summary}`}${place}`;
}
