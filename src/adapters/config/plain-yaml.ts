/**
 * Reads the part of YAML in which configurations are written, in one pass and about twenty times as fast as a whole YAML parser: block and flow
 * maps and lists, plain and quoted texts of one line, `|` texts, comments. Gives up at the first thing that is anything else, or wrong, or
 * not certain; then the whole parser has to read the file. Must never read what that one refuses, nor read it as something else.
 */

import type { Tree } from '../../core/problem.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import { emptyTree } from './tree.ts';
import { noChildren } from './yaml-spot.ts';
import type { Spot } from './yaml-spot.ts';

const DEPTH_MAX = 64;
const NODES_MAX = 4_000_000;
/** YAML 1.2 §8.2.2 allows 1,024. */
const KEY_CHARS_MAX = 1000;

export type PlainYaml = {
  readonly tree: Tree;
  /** Where everything stands; reads the text once more. */
  readonly spots: () => Spot;
};

/** The message follows "here". */
export type NotPlain = { readonly offset: number; readonly message: string };

export function parsePlainYaml(text: string): Result<PlainYaml, NotPlain> {
  try {
    const tree = new PlainReader(text, false).read();
    return ok({
      tree,
      spots: () => {
        const reader = new PlainReader(text, true);
        reader.read();
        return reader.spot;
      },
    });
  } catch (error) {
    if (error instanceof GivenUp) return err(error);
    throw error;
  }
}

class GivenUp extends Error implements NotPlain {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Line breaks other than \n, tabs, and characters that no line of text has. */
// eslint-disable-next-line no-control-regex
const UNUSUAL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;
/** Followed by a colon. The words that YAML has for null and truth are no keys here. */
const KEY = /(?!(?:null|true|false|nan|inf)\b)[A-Za-z_][\w./@*+$~-]*/iy;
/** What a text without quotes may begin with. */
const PLAIN_START = /[A-Za-z0-9_/.+$^(~=<;\\\u00a1-\ud7ff\ue000-\ufffd]|-[A-Za-z0-9_/.]/y;
const PLAIN_NUMBER = /^-?(?:0|[1-9][0-9]{0,14})$/;
/** Everything that the core schema (YAML 1.2 §10.3.2) sees a number in, and a little more. */
const NUMBER = /^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-f]+|[-+]?\.(?:inf|nan))$/i;
const WORDS: ReadonlyMap<string, Tree> = new Map<string, Tree>([
  ...['null', 'Null', 'NULL', '~'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
/** In double quotes, escapes that JSON and YAML have in common. */
const DOUBLE_QUOTED = /"(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const SINGLE_QUOTED = /'(?:[^'\n]|'')*'/y;
/** Where a text without quotes ends in a flow collection, or what makes it something else. */
const FLOW_PLAIN_END = /[,[\]{}\n]| #|:(?=[ ,[\]{}\n])/g;

class PlainReader {
  /** Of the value read last, where that is wanted. */
  spot: Spot = { offset: 0, keyOffset: undefined, children: noChildren };
  readonly #text: string;
  readonly #wantsSpots: boolean;
  #at = 0;
  /** Columns before the first character of the line that `#at` has come to; -1 at the end of the text. */
  #indent = -1;
  #nodes = 0;

  constructor(text: string, wantsSpots: boolean) {
    this.#text = text;
    this.#wantsSpots = wantsSpots;
  }

  read(): Tree {
    const unusual = this.#text.search(UNUSUAL);
    if (unusual !== -1) this.#giveUp('is a character that is not plain text', unusual);
    if (this.#text.startsWith('---\n')) this.#at = 4;
    this.#toNextLine();
    if (this.#indent !== 0) this.#giveUp('nothing begins at the start of a line');
    const tree = this.#block(0, 0);
    if (!this.#isAtEnd()) this.#giveUp('the indentation fits nothing before it');
    return tree;
  }

  #isAtEnd(): boolean {
    return this.#indent === -1;
  }

  #giveUp(message: string, offset = this.#at): never {
    throw new GivenUp(offset, message);
  }

  /** From the start of a line to the first character of the next one that has more than a comment. */
  #toNextLine(): void {
    const text = this.#text;
    for (;;) {
      let at = this.#at;
      while (text.charCodeAt(at) === 0x20) at += 1;
      if (at >= text.length) {
        this.#at = text.length;
        this.#indent = -1;
        return;
      }
      const first = text[at];
      if (first !== '#' && first !== '\n') {
        this.#indent = at - this.#at;
        this.#at = at;
        if (this.#indent === 0 && (text.startsWith('---', at) || text.startsWith('...', at) || first === '%'))
          this.#giveUp('another document begins');
        return;
      }
      const end = text.indexOf('\n', at);
      this.#at = end === -1 ? text.length : end + 1;
    }
  }

  /** After a value in a block: nothing but a comment may follow in its line. */
  #endLine(): void {
    const text = this.#text;
    const from = this.#at;
    this.#skipSpaces();
    if (text[this.#at] === '#' && this.#at > from) {
      const end = text.indexOf('\n', this.#at);
      this.#at = end === -1 ? text.length : end;
    }
    if (this.#at < text.length && text[this.#at] !== '\n') this.#giveUp('something follows a value in its line');
    this.#at += 1;
    this.#toNextLine();
  }

  #skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === 0x20) this.#at += 1;
  }

  #isAtLineEnd(): boolean {
    const next = this.#text[this.#at];
    return next === undefined || next === '\n' || next === '#';
  }

  #isAtDash(): boolean {
    const next = this.#text[this.#at + 1];
    return this.#text[this.#at] === '-' && (next === ' ' || next === '\n');
  }

  #enter(depth: number): void {
    this.#nodes += 1;
    if (depth > DEPTH_MAX) this.#giveUp('the nesting is too deep');
    if (this.#nodes > NODES_MAX) this.#giveUp(`there are more than ${NODES_MAX} values`);
  }

  /** A map or list whose first character stands at `column`; leaves `#at` at the first line that is not in it. */
  #block(column: number, depth: number): Tree {
    if (this.#isAtDash()) return this.#list(column, depth);
    const key = this.#key();
    if (key === undefined) return this.#giveUp('is neither a key nor a list');
    return this.#map(column, key, depth);
  }

  #list(column: number, depth: number): Tree {
    this.#enter(depth);
    const offset = this.#at;
    const tree: Tree[] = [];
    const spots = this.#newSpots();
    do {
      const dash = this.#at;
      this.#at += 1;
      this.#skipSpaces();
      const item = this.#isAtLineEnd()
        ? this.#below(column, false, depth + 1)
        : this.#item(column, column + this.#at - dash, depth + 1);
      spots?.set(tree.length, this.spot);
      tree.push(item);
    } while (this.#indent === column && this.#isAtDash());
    this.#place(offset, spots);
    return tree;
  }

  /** What follows a dash in its line, at `column`. */
  #item(parentColumn: number, column: number, depth: number): Tree {
    if (this.#isAtDash()) return this.#list(column, depth);
    const start = this.#at;
    const key = this.#key();
    if (key !== undefined) return this.#map(column, key, depth);
    this.#at = start;
    return this.#lineValue(parentColumn, depth);
  }

  #map(column: number, firstKey: string, depth: number): Tree {
    this.#enter(depth);
    const offset = this.#keyOffset;
    const tree = emptyTree();
    const spots = this.#newSpots();
    let key: string | undefined = firstKey;
    for (;;) {
      const keyOffset = this.#keyOffset;
      if (Object.hasOwn(tree, key)) this.#giveUp('a key was given before in the same map', keyOffset);
      this.#skipSpaces();
      tree[key] = this.#isAtLineEnd() ? this.#below(column, true, depth + 1) : this.#lineValue(column, depth + 1);
      spots?.set(key, { ...this.spot, keyOffset });
      if (this.#indent !== column || this.#isAtDash()) break;
      key = this.#key();
      if (key === undefined) return this.#giveUp('is no key');
    }
    this.#place(offset, spots);
    return tree;
  }

  /** The map or list in the lines below a key or a dash at `column`; below a key, a list may stand in the column of the key. */
  #below(column: number, isKey: boolean, depth: number): Tree {
    this.#endLine();
    const indent = this.#indent;
    if (indent > column || (isKey && indent === column && this.#isAtDash())) return this.#block(indent, depth);
    return this.#giveUp('a value is missing');
  }

  #keyOffset = 0;

  /** The key that stands here, and past its colon; undefined, and nothing moved that matters, where there is none. */
  #key(isInFlow = false): string | undefined {
    const text = this.#text;
    const start = this.#at;
    const first = text[start];
    const isQuoted = first === '"' || first === "'";
    let key: string;
    if (isQuoted) {
      key = this.#quoted();
    } else {
      KEY.lastIndex = start;
      const match = KEY.exec(text);
      if (match === null) return undefined;
      key = match[0];
      this.#at += key.length;
    }
    if (text[this.#at] !== ':') return undefined;
    const next = text[this.#at + 1];
    if (next !== ' ' && next !== '\n' && !(isInFlow && isQuoted)) return undefined;
    if (this.#at - start > KEY_CHARS_MAX) this.#giveUp('a key is very long', start);
    this.#at += 1;
    this.#keyOffset = start;
    return key;
  }

  /** A value that begins in the line of its key or dash, and what ends that line. The column is that of the map or list that it is in. */
  #lineValue(column: number, depth: number): Tree {
    const offset = this.#at;
    const first = this.#text[offset];
    let tree: Tree;
    if (first === '[' || first === '{') {
      tree = this.#flow(column, depth);
    } else if (first === '|') {
      return this.#literal(column, depth);
    } else {
      this.#enter(depth);
      tree = first === '"' || first === "'" ? this.#quoted() : this.#plain();
      this.#place(offset, undefined);
    }
    this.#endLine();
    if (this.#indent > column) this.#giveUp('a text goes on in another line, or the indentation is wrong');
    return tree;
  }

  #plain(): Tree {
    const text = this.#text;
    this.#startPlain();
    const lineEnd = text.indexOf('\n', this.#at);
    const line = text.slice(this.#at, lineEnd === -1 ? text.length : lineEnd);
    const comment = line.indexOf(' #');
    const value = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    if (value.includes(': ') || value.endsWith(':')) this.#giveUp('a colon is in a text without quotes');
    this.#at += value.length;
    return this.#resolve(value);
  }

  #startPlain(): void {
    PLAIN_START.lastIndex = this.#at;
    if (!PLAIN_START.test(this.#text)) this.#giveUp('a text begins with a sign that has a meaning in YAML');
  }

  #resolve(value: string): Tree {
    const word = WORDS.get(value);
    if (word !== undefined) return word;
    if (PLAIN_NUMBER.test(value) && value !== '-0') return Number(value);
    if (NUMBER.test(value)) this.#giveUp('a number is written in an unusual form', this.#at - value.length);
    return value;
  }

  #quoted(): string {
    const isDouble = this.#text[this.#at] === '"';
    const pattern = isDouble ? DOUBLE_QUOTED : SINGLE_QUOTED;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return this.#giveUp('a text in quotes has several lines, or an unusual escape');
    const [quoted] = match;
    this.#at += quoted.length;
    const inside = quoted.slice(1, -1);
    if (!isDouble) return inside.replaceAll("''", "'");
    return inside.includes('\\') ? (JSON.parse(quoted) as string) : inside;
  }

  /** `|`, with one line end kept. The column of the first line of the text is that of all. */
  #literal(column: number, depth: number): Tree {
    this.#enter(depth);
    const text = this.#text;
    const offset = this.#at;
    if (text[offset + 1] !== '\n') this.#giveUp('`|` is followed by something');
    let at = offset + 2;
    let indent = 0;
    while (text[at + indent] === ' ') indent += 1;
    if (indent <= column || text[at + indent] === '\n' || at + indent >= text.length)
      this.#giveUp('`|` is not followed by text');
    let value = '';
    while (at < text.length) {
      const lineEnd = text.indexOf('\n', at);
      const end = lineEnd === -1 ? text.length : lineEnd;
      const line = text.slice(at, end);
      if (line.length > 0 && !line.startsWith(' '.repeat(indent))) break;
      value += `${line.slice(indent)}\n`;
      at = end + 1;
    }
    this.#at = Math.min(at, text.length);
    this.#toNextLine();
    if (this.#indent > column) this.#giveUp('the indentation of a text changes');
    this.#place(offset, undefined);
    return `${value.replace(/\n+$/, '')}\n`;
  }

  /** `[...]` or `{...}`, which may have several lines, each further in than `column`. */
  #flow(column: number, depth: number): Tree {
    this.#enter(depth);
    const offset = this.#at;
    const isList = this.#text[offset] === '[';
    const close = isList ? ']' : '}';
    const list: Tree[] = [];
    const map = emptyTree();
    const spots = this.#newSpots();
    this.#at += 1;
    for (;;) {
      this.#skipFlowBlank(column);
      if (this.#text[this.#at] === close) break;
      if (isList) {
        const item = this.#flowValue(column, depth + 1);
        spots?.set(list.length, this.spot);
        list.push(item);
      } else {
        const key = this.#key(true);
        if (key === undefined) return this.#giveUp('is no key');
        const keyOffset = this.#keyOffset;
        if (Object.hasOwn(map, key)) this.#giveUp('a key was given before in the same map', keyOffset);
        this.#skipFlowBlank(column);
        map[key] = this.#flowValue(column, depth + 1);
        spots?.set(key, { ...this.spot, keyOffset });
      }
      this.#skipFlowBlank(column);
      if (this.#text[this.#at] === ',') this.#at += 1;
      else if (this.#text[this.#at] !== close) this.#giveUp('a comma or a bracket is missing');
    }
    this.#at += 1;
    this.#place(offset, spots);
    return isList ? list : map;
  }

  #flowValue(column: number, depth: number): Tree {
    const offset = this.#at;
    const first = this.#text[offset];
    if (first === '[' || first === '{') return this.#flow(column, depth);
    this.#enter(depth);
    const value = first === '"' || first === "'" ? this.#quoted() : this.#flowPlain();
    this.#place(offset, undefined);
    return value;
  }

  #flowPlain(): Tree {
    this.#startPlain();
    FLOW_PLAIN_END.lastIndex = this.#at;
    const end = FLOW_PLAIN_END.exec(this.#text);
    if (end === null || end[0] === ':') return this.#giveUp('a text without quotes does not end');
    const value = this.#text.slice(this.#at, end.index).trimEnd();
    this.#at += value.length;
    return this.#resolve(value);
  }

  /** Blanks, comments and line ends between the parts of a flow collection. */
  #skipFlowBlank(column: number): void {
    const text = this.#text;
    for (;;) {
      const from = this.#at;
      this.#skipSpaces();
      const next = text[this.#at];
      if (next === '#' && (this.#at > from || text[from - 1] === '\n')) {
        const end = text.indexOf('\n', this.#at);
        if (end === -1) this.#giveUp('a bracket is missing');
        this.#at = end;
      } else if (next === '\n') {
        this.#at += 1;
        this.#toNextLine();
        if (this.#indent <= column) this.#giveUp('a line in brackets must be further in');
      } else {
        return;
      }
    }
  }

  #newSpots(): Map<string | number, Spot> | undefined {
    return this.#wantsSpots ? new Map<string | number, Spot>() : undefined;
  }

  #place(offset: number, children: ReadonlyMap<string | number, Spot> | undefined): void {
    if (this.#wantsSpots) this.spot = { offset, keyOffset: undefined, children: children ?? noChildren };
  }
}
