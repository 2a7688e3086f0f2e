/**
 * Reads YAML text into a plain tree and can tell where each key and value stood. Everything is bounded before it is built: a file can neither
 * nest, nor multiply by aliases, nor take the parser long. Knows nothing of what the keys mean.
 */

import { CST, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import type { Tree, TreePath } from '../../core/problem.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import { parsePlainYaml } from './plain-yaml.ts';
import type { PlainYaml } from './plain-yaml.ts';
import { emptyTree } from './tree.ts';
import { describeYamlError } from './yaml-messages.ts';
import { noChildren } from './yaml-spot.ts';
import type { Spot } from './yaml-spot.ts';

/** Characters of a text that needs the whole of YAML; its parser takes time and memory, and aliases can multiply what is there. */
export const TEXT_CHARS_MAX = 1024 * 1024;
/** Characters of a text that is plain throughout (plain-yaml.ts), as programs write it: some 30,000 routes with five rules each. */
export const PLAIN_TEXT_CHARS_MAX = 16 * 1024 * 1024;
/** Levels of lists and maps; a policy needs about ten. */
const DEPTH_MAX = 64;
/** Columns of indentation, and block indicators in one line: together they bound the depth before anything recursive runs. */
const INDENT_COLUMNS_MAX = 256;
/** Lexical tokens without blanks: bounds the time that a file of tiny tokens can take. */
const TOKENS_MAX = 400_000;
/** Nodes once aliases are written out. */
const NODES_MAX = 200_000;
/** Syntax errors follow from one another; the first ones tell. */
const SYNTAX_ERRORS_MAX = 20;

/** Line and column count from 1; a column is a UTF-16 unit. */
export type Position = { readonly line: number; readonly column: number };

export type SyntaxFault = Position & { readonly message: string };

export type YamlTree = {
  readonly tree: Tree;
  /** The position of the value (or of its key); of the nearest enclosing value where the path leads to nothing. */
  readonly positionOf: (path: TreePath, atKey: boolean) => Position;
};

type Fault = { readonly offset: number; readonly message: string };

/** Why a text is not taken. */
export type YamlFaults = {
  /** All that were found, in order of position; none quotes a value. At least one. */
  readonly faults: readonly SyntaxFault[];
  /** The tree without what is wrong, where that is single keys and values: to look for what else is wrong, and for nothing else. */
  readonly rest: YamlTree | undefined;
};

/** One YAML 1.2 document of core types. */
export function parseYamlTree(text: string): Result<YamlTree, YamlFaults> {
  if (text.length > PLAIN_TEXT_CHARS_MAX) return refuse(text, [{ offset: 0, message: tooLarge(PLAIN_TEXT_CHARS_MAX) }]);
  const plain = parsePlainYaml(text);
  if (plain.ok) return ok(plainTree(plain.value, text));
  if (text.length <= TEXT_CHARS_MAX) return parseWholeYaml(text);
  const { offset, message } = plain.error;
  return refuse(text, [
    { offset, message: `${tooLarge(TEXT_CHARS_MAX)}, and so it must be plain YAML throughout; here ${message}` },
  ]);
}

/** All of YAML. Of a text that `parsePlainYaml` reads too, the same tree and the same places. */
export function parseWholeYaml(text: string): Result<YamlTree, YamlFaults> {
  const excess = findExcess(text);
  if (excess !== undefined) return refuse(text, [excess]);
  const parsed = compose(text);
  if (!parsed.ok) return refuse(text, parsed.error);

  const reader = new TreeReader();
  const { document, tags } = parsed.value;
  const root = reader.read(document);
  const lines = linesOf(text);
  const yaml: YamlTree = {
    tree: root.tree,
    positionOf: (path, atKey) => positionAt(lines, offsetOf(root.spot, path, atKey)),
  };
  const faults = [...tags, ...reader.faults];
  return faults.length === 0 ? ok(yaml) : refuse(text, faults, reader.isWhole ? yaml : undefined);
}

function refuse(text: string, faults: readonly Fault[], rest?: YamlTree): Result<never, YamlFaults> {
  const lines = linesOf(text);
  const sorted = [...faults].sort((a, b) => a.offset - b.offset).slice(0, SYNTAX_ERRORS_MAX);
  return err({ faults: sorted.map(({ offset, message }) => ({ ...positionAt(lines, offset), message })), rest });
}

const tooLarge = (chars: number): string => `the file is larger than ${chars / 1024 / 1024} MiB`;

/** Most texts have no problem that must be found in them: what tells where something stands is made when it is asked for. */
function plainTree({ tree, spots }: PlainYaml, text: string): YamlTree {
  let found: { readonly root: Spot; readonly lines: LineCounter } | undefined;
  return {
    tree,
    positionOf: (path, atKey) => {
      found ??= { root: spots(), lines: linesOf(text) };
      return positionAt(found.lines, offsetOf(found.root, path, atKey));
    },
  };
}

type Composed = {
  readonly document: Document.Parsed;
  /** Without its tag, each value is what it looks like. */
  readonly tags: readonly Fault[];
};

function compose(text: string): Result<Composed, readonly Fault[]> {
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      // Own checks: the parser compares every key with every other one, and quotes the source in its messages.
      uniqueKeys: false,
      prettyErrors: false,
      stringKeys: true,
      merge: false,
      resolveKnownTags: false,
      schema: 'core',
      version: '1.2',
      // Not 'silent': that would let further documents pass unseen.
      logLevel: 'error',
    });
  } catch {
    return err([{ offset: 0, message: 'this is not YAML that can be read' }]);
  }
  const errors: readonly YAMLError[] = [...document.errors, ...document.warnings];
  const faults = errors.map((error) => ({ offset: error.pos[0], message: describeYamlError(error.code) }));
  const areTags = errors.every(({ code }) => code === 'TAG_RESOLVE_FAILED');
  return areTags ? ok({ document, tags: faults }) : err(faults);
}

/** What would make the parser recurse deeply or work long; found by its own lexer, whose time is linear. */
function findExcess(text: string): Fault | undefined {
  const tooDeep = (offset: number): Fault => ({ offset, message: 'nested too deeply' });
  let offset = 0;
  let tokens = 0;
  let flowDepth = 0;
  let indicatorsInLine = 0;
  let atLineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    const type = CST.tokenType(lexeme);
    if (type !== 'space' && !isMarker(type)) tokens += 1;
    if (tokens > TOKENS_MAX) return { offset, message: `the file has more than ${TOKENS_MAX} YAML tokens` };
    if (type === 'newline') indicatorsInLine = 0;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') indicatorsInLine += 1;
    // In braces, colons stand beside each other, not inside each other.
    else if (type === 'map-value-ind') indicatorsInLine += flowDepth === 0 ? 1 : 0;
    else if (type === 'flow-seq-start' || type === 'flow-map-start') flowDepth += 1;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') flowDepth = Math.max(0, flowDepth - 1);
    if (atLineStart && type === 'space' && lexeme.length > INDENT_COLUMNS_MAX) return tooDeep(offset);
    if (flowDepth > DEPTH_MAX || (flowDepth === 0 && indicatorsInLine > DEPTH_MAX)) return tooDeep(offset);
    atLineStart = type === 'newline';
    offset += isMarker(type) ? 0 : lexeme.length;
  }
  return undefined;
}

/** Tokens of the lexer that stand for no text. */
const isMarker = (type: string | null): boolean =>
  type === null || type === 'doc-mode' || type === 'scalar' || type === 'flow-error-end';

type Read = { readonly tree: Tree; readonly spot: Spot };

type Anchored = Read & { readonly nodes: number; readonly height: number };

/** Walks the parsed document once, in its order. An alias shares what its anchor was read as, so that reading stays linear. */
class TreeReader {
  readonly faults: Fault[] = [];
  /** But for single keys and values, whose faults leave the rest what it is. */
  isWhole = true;
  readonly #anchors = new Map<string, Anchored | 'open'>();
  #nodes = 0;
  /** Levels below the node read last. */
  #height = 0;

  read(document: Document.Parsed): Read {
    return this.#read(document.contents, document.range[0], undefined, 0);
  }

  #read(node: Node | null, offset: number, keyOffset: number | undefined, depth: number): Read {
    const start = node?.range?.[0] ?? offset;
    const before = this.#nodes;
    const anchor = isAlias(node) ? undefined : node?.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const read = this.#content(node, start, keyOffset, depth);
    if (anchor !== undefined) this.#anchors.set(anchor, { ...read, nodes: this.#nodes - before, height: this.#height });
    return read;
  }

  #content(node: Node | null, offset: number, keyOffset: number | undefined, depth: number): Read {
    this.#count(1, offset);
    this.#height = 0;
    const leaf = (tree: Tree): Read => ({ tree, spot: { offset, keyOffset, children: noChildren } });
    if (this.faults.length >= SYNTAX_ERRORS_MAX) return leaf(null);
    if (depth > DEPTH_MAX) return leaf(this.#fault(offset, 'nested too deeply'));
    if (node === null) return leaf(null);
    if (isAlias(node)) return this.#alias(node.source, offset, keyOffset, depth);
    if (isScalar(node)) return leaf(this.#scalar(node.value, offset));
    if (isSeq<Node | null>(node)) return this.#list(node.items, { offset, keyOffset, depth });
    if (isMap<Node, Node | null>(node)) return this.#map(node.items, { offset, keyOffset, depth });
    return leaf(this.#fault(offset, 'this kind of YAML value is not supported'));
  }

  #alias(name: string, offset: number, keyOffset: number | undefined, depth: number): Read {
    const target = this.#anchors.get(name);
    const leaf = { tree: null, spot: { offset, keyOffset, children: noChildren } };
    if (target === undefined) this.#fault(offset, 'an alias must follow the anchor that it names');
    else if (target === 'open') this.#fault(offset, 'an alias must not stand inside what it names');
    else if (depth + target.height > DEPTH_MAX) this.#fault(offset, 'nested too deeply');
    else {
      this.#count(target.nodes, offset);
      this.#height = target.height;
      return { tree: target.tree, spot: { offset, keyOffset, children: target.spot.children } };
    }
    return leaf;
  }

  #scalar(value: unknown, offset: number): Tree {
    if (value === null || value === undefined) return null;
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.#localFault(offset, 'this is not a finite number');
  }

  #list(items: readonly (Node | null)[], at: { offset: number; keyOffset: number | undefined; depth: number }): Read {
    const tree: Tree[] = [];
    const children = new Map<string | number, Spot>();
    let height = 0;
    for (const item of items) {
      const read = this.#read(item, at.offset, undefined, at.depth + 1);
      children.set(tree.length, read.spot);
      tree.push(read.tree);
      height = Math.max(height, this.#height + 1);
    }
    this.#height = height;
    return { tree, spot: { offset: at.offset, keyOffset: at.keyOffset, children } };
  }

  #map(
    pairs: readonly Pair<Node, Node | null>[],
    at: { offset: number; keyOffset: number | undefined; depth: number },
  ): Read {
    const tree = emptyTree();
    const children = new Map<string | number, Spot>();
    let height = 0;
    for (const pair of pairs) {
      const keyOffset = pair.key.range?.[0] ?? at.offset;
      const key = isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined;
      if (key === undefined) this.#localFault(keyOffset, 'a key must be text');
      else if (children.has(key)) this.#localFault(keyOffset, 'this key was given before in the same map');
      else {
        const read = this.#read(pair.value, keyOffset, keyOffset, at.depth + 1);
        children.set(key, read.spot);
        tree[key] = read.tree;
        height = Math.max(height, this.#height + 1);
      }
    }
    this.#height = height;
    return { tree, spot: { offset: at.offset, keyOffset: at.keyOffset, children } };
  }

  #count(nodes: number, offset: number): void {
    const before = this.#nodes;
    this.#nodes += nodes;
    if (before <= NODES_MAX && this.#nodes > NODES_MAX)
      this.#fault(offset, `the file has more than ${NODES_MAX} values once its aliases are written out`);
  }

  #fault(offset: number, message: string): null {
    this.isWhole = false;
    return this.#localFault(offset, message);
  }

  #localFault(offset: number, message: string): null {
    if (this.faults.length < SYNTAX_ERRORS_MAX) this.faults.push({ offset, message });
    // From here on nothing is read.
    if (this.faults.length >= SYNTAX_ERRORS_MAX) this.isWhole = false;
    return null;
  }
}

function offsetOf(root: Spot, path: TreePath, atKey: boolean): number {
  let spot = root;
  for (const [index, step] of path.entries()) {
    const next = spot.children.get(step);
    if (next === undefined) return spot.offset;
    if (index === path.length - 1 && atKey) return next.keyOffset ?? next.offset;
    spot = next;
  }
  return spot.offset;
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
