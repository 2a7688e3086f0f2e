/**
 * What an expression looks at, and whether it may: which variables, which headers and claims by name, only functions of the list, regular
 * expressions and times written out, no comprehension within another. Works on the tree as it was read, before its types are checked.
 */

import { compileRegexSearch } from '../regex.ts';
import type { RegexMatcher } from '../regex.ts';
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { parseDatePoint } from './calendar.ts';
import type { FactName } from './fact-name.ts';
import { parseHeaderName } from './header-name.ts';
import { meant } from './parse.ts';

/** An expression, reduced to what is asked of it here. */
export type CelTree =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'name'; readonly name: string }
  /** `of.key` and `of["key"]`; `key` is undefined where it is computed by `index`. */
  | {
      readonly kind: 'member';
      readonly of: CelTree;
      readonly key: string | undefined;
      readonly index: CelTree | undefined;
    }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly receiver: CelTree | undefined;
      readonly args: readonly CelTree[];
    }
  | { readonly kind: 'in'; readonly left: CelTree; readonly right: CelTree }
  | { readonly kind: 'other'; readonly parts: readonly CelTree[] };

export type CelVariable = 'now' | 'request' | 'subject' | 'claims' | 'target' | 'certificate' | 'mcp';

export type CelUse = {
  readonly variables: ReadonlySet<CelVariable>;
  /** Request headers, in lower case. */
  readonly headers: ReadonlySet<string>;
  /** Parameters of the query; where some are computed, every text of the expression. */
  readonly queries: ReadonlySet<string>;
  /** `request.path` and so on: a variable and one of its parts. */
  readonly parts: ReadonlySet<string>;
  /** Names of claims; `all` where some are computed. */
  readonly claims: ReadonlySet<string> | 'all';
  readonly reads: readonly FactName[];
  /** For each element of a list, another list or a long text is gone through: the cost is the product of their sizes. */
  readonly isProduct: boolean;
};

export type Inspected = { readonly use: CelUse; readonly patterns: ReadonlyMap<string, RegexMatcher> };

/** A variable, and the keys below it. */
type CelPath = readonly [CelVariable, ...string[]];

/** The parts of each variable; undefined = keys are whatever they are. */
const variables: { readonly [V in CelVariable]: readonly string[] | undefined } = {
  now: [],
  request: ['method', 'host', 'path', 'ip', 'headers', 'query'],
  subject: ['id', 'issuer', 'email', 'name', 'groups'],
  claims: undefined,
  target: ['labels'],
  certificate: ['presented', 'valid', 'fingerprint', 'spki_hash', 'san_email', 'san_dns', 'san_uri'],
  mcp: ['method', 'tool'],
};

const isVariable = (name: string): name is CelVariable => Object.hasOwn(variables, name);

const factOfPart: { readonly [path: string]: FactName } = {
  'request.ip': 'source_ip',
  'subject.id': 'user',
  'subject.issuer': 'anything',
  'subject.email': 'email',
  'subject.name': 'anything',
  'subject.groups': 'groups',
};

const shortTexts: ReadonlySet<string> = new Set([
  'request.method',
  'request.host',
  'request.ip',
  'subject.id',
  'subject.issuer',
  'subject.email',
  'subject.name',
  'certificate.presented',
  'certificate.valid',
  'certificate.fingerprint',
  'certificate.spki_hash',
  'target.labels',
]);

/** Whether it may be a list, or a text as long as the client likes. */
const isSizeable = (root: CelVariable, part: string | undefined): boolean =>
  root !== 'now' && !shortTexts.has(`${root}.${part ?? ''}`);

const comprehensions: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const timeParts: ReadonlySet<string> = new Set([
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
]);
const functions: ReadonlySet<string> = new Set(['has', 'size', 'timestamp', 'duration']);
const methods: ReadonlySet<string> = new Set([
  ...comprehensions,
  ...timeParts,
  'size',
  'startsWith',
  'endsWith',
  'contains',
  'matches',
]);

/** The error is one sentence. `ownHeaders`: as in header-name.ts. */
export function inspectCel(tree: CelTree, ownHeaders: ReadonlySet<string>): Result<Inspected, string> {
  const inspector = new Inspector(ownHeaders);
  inspector.visit(tree);
  return inspector.problem === undefined ? ok(inspector.found()) : err(inspector.problem);
}

class Inspector {
  /** The first thing that is wrong. */
  problem: string | undefined;
  readonly #ownHeaders: ReadonlySet<string>;
  readonly #variables = new Set<CelVariable>();
  readonly #headers = new Set<string>();
  readonly #queries = new Set<string>();
  readonly #texts = new Set<string>();
  #usesAllQueries = false;
  readonly #reads = new Set<FactName>();
  readonly #patterns = new Map<string, RegexMatcher>();
  readonly #parts = new Set<string>();
  readonly #claims = new Set<string>();
  #usesAllClaims = false;
  #isWithinComprehension = false;
  #isProduct = false;

  constructor(ownHeaders: ReadonlySet<string>) {
    this.#ownHeaders = ownHeaders;
  }

  found(): Inspected {
    return {
      use: {
        variables: this.#variables,
        headers: this.#headers,
        queries: this.#usesAllQueries ? new Set([...this.#queries, ...this.#texts]) : this.#queries,
        parts: this.#parts,
        claims: this.#usesAllClaims ? 'all' : this.#claims,
        reads: [...this.#reads],
        isProduct: this.#isProduct,
      },
      patterns: this.#patterns,
    };
  }

  visit(tree: CelTree): void {
    const path = this.#pathOf(tree);
    if (path !== undefined) {
      this.#look(path);
      return;
    }
    switch (tree.kind) {
      case 'literal':
        if (typeof tree.value === 'string') this.#texts.add(tree.value);
        return;
      case 'member':
        this.visit(tree.of);
        if (tree.index !== undefined) this.visit(tree.index);
        return;
      case 'call':
        this.#visitCall(tree);
        return;
      case 'in': {
        const right = this.#pathOf(tree.right);
        const { left } = tree;
        if (right !== undefined && left.kind === 'literal' && typeof left.value === 'string')
          this.#look([...right, left.value]);
        else for (const part of [left, tree.right]) this.visit(part);
        return;
      }
      case 'other':
        for (const part of tree.parts) this.visit(part);
        return;
      default:
    }
  }

  /** `request.headers["x"]` -> request, headers, x; undefined where it does not begin with a variable or is computed. */
  #pathOf(tree: CelTree): CelPath | undefined {
    if (tree.kind === 'name') return isVariable(tree.name) ? [tree.name] : undefined;
    if (tree.kind !== 'member' || tree.key === undefined) return undefined;
    const of = this.#pathOf(tree.of);
    return of === undefined ? undefined : [...of, tree.key];
  }

  #look([root, part, key]: CelPath): void {
    this.#variables.add(root);
    if (this.#isWithinComprehension && isSizeable(root, part)) this.#isProduct = true;
    const parts = variables[root];
    if (parts === undefined) {
      if (part === undefined) this.#usesAllClaims = true;
      else this.#claims.add(part);
      this.#reads.add(part === undefined ? 'anything' : `claim/${part}`);
      return;
    }
    if (part === undefined) {
      if (parts.length > 0) this.#refuse(`name a part of \`${root}\`: ${parts.join(', ')}`);
      return;
    }
    if (!parts.includes(part)) this.#refuse(`\`${root}\` has no \`${part}\`${meant(part, parts)}`);
    this.#parts.add(`${root}.${part}`);
    if (root === 'certificate' || root === 'mcp') this.#reads.add(root);
    else if (root === 'target') this.#reads.add(key === undefined ? 'anything' : `label/${key}`);
    else if (part === 'headers') this.#lookAtHeader(key);
    else if (part === 'query') this.#lookAtQuery(key);
    else {
      const fact = factOfPart[`${root}.${part}`];
      if (fact !== undefined) this.#reads.add(fact);
    }
  }

  #lookAtQuery(key: string | undefined): void {
    if (key === undefined) this.#usesAllQueries = true;
    else this.#queries.add(key);
    this.#reads.add(key === undefined ? 'anything' : `query/${key}`);
  }

  #lookAtHeader(key: string | undefined): void {
    if (key === undefined) {
      this.#refuse('write the name of the header as text: `request.headers["x-name"]`');
      return;
    }
    const name = parseHeaderName(key, this.#ownHeaders);
    if (!name.ok) this.#refuse(name.error);
    else if (name.value !== key) this.#refuse(`write the name of the header in lower case: \`${name.value}\``);
    this.#headers.add(key);
    this.#reads.add(`header/${key}`);
  }

  #visitCall({ name, receiver, args }: Extract<CelTree, { readonly kind: 'call' }>): void {
    const known = receiver === undefined ? functions : methods;
    if (!known.has(name)) this.#refuse(`there is no function \`${name}\` here: use ${[...known].join(', ')}`);
    if (receiver !== undefined) this.visit(receiver);
    const [first] = args;
    if (comprehensions.has(name)) {
      this.#visitComprehension(args);
      return;
    }
    if (timeParts.has(name) && first !== undefined)
      this.#refuse(`\`${name}\` is by UTC here: use \`time_of_day\` or \`day_of_week\` for other zones`);
    const check = Object.hasOwn(writtenOut, name) ? writtenOut[name] : undefined;
    if (check !== undefined) {
      if (first?.kind !== 'literal' || typeof first.value !== 'string')
        this.#refuse(`\`${name}\` takes a text that is written out`);
      else check(first.value, { refuse: (message) => this.#refuse(message), patterns: this.#patterns });
    }
    for (const arg of args) this.visit(arg);
  }

  #visitComprehension([variable, ...bodies]: readonly CelTree[]): void {
    // Two of them, one in the other, would cost the product of their lists.
    if (this.#isWithinComprehension) this.#refuse('one of `all`, `exists`, `filter`, `map` stands within another');
    if (variable?.kind === 'name' && isVariable(variable.name))
      this.#refuse(`\`${variable.name}\` is a variable already: name the element otherwise`);
    this.#isWithinComprehension = true;
    for (const body of bodies) this.visit(body);
    this.#isWithinComprehension = false;
  }

  #refuse(message: string): void {
    this.problem ??= message;
  }
}

type Finding = { readonly refuse: (message: string) => void; readonly patterns: Map<string, RegexMatcher> };

/** Functions whose text must stand in the expression itself, so that it is checked once and for all. */
const writtenOut: { readonly [name: string]: (text: string, finding: Finding) => void } = {
  matches(pattern, { refuse, patterns }) {
    const compiled = compileRegexSearch(pattern);
    if (compiled.ok) patterns.set(pattern, compiled.value);
    else refuse(compiled.error);
  },
  timestamp(text, { refuse }) {
    const parsed = parseDatePoint(text);
    if (!parsed.ok) refuse(parsed.error);
    else if (parsed.value.kind !== 'instant' || text.length < 20)
      refuse(`\`${text}\` is no timestamp: write \`2026-12-24T08:00:00Z\``);
  },
  duration(text, { refuse }) {
    if (!/^-?(\d{1,9}(\.\d{1,9})?(h|m|s|ms))+$/.test(text))
      refuse(`\`${text}\` is no duration: write \`90m\` or \`1h30m\``);
  },
};
