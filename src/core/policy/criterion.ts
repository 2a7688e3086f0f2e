/**
 * What a criterion is: a name, the data it takes, what it must see, the reasons it gives, and a test made once per load. The files in
 * criteria/ are made with the helpers here; registry.ts lists them.
 */

import type { ChangeWindows } from './change-window.ts';
import type { Subject, HttpFacts, PolicyFacts } from './facts.ts';
import type { Need } from './compiled-policy.ts';
import type { FactName } from './fact-name.ts';
import type { PolicySemantics } from '../config.ts';
import type { TreePath, Tree } from '../problem.ts';
import type { RecordSourceRules } from './records.ts';
import { LOGIN_REASON, reasonSet } from './reasons.ts';
import type { Outcome, State } from './reasons.ts';
import type { Reason, Truth } from './verdict.ts';

/** Judges one criterion. Pure. May throw: that counts as unknown with reason `criterion-error`. */
export type Test = (facts: PolicyFacts) => Outcome;

/** Collects what is wrong with the data of one criterion, and says under which rules it is read. */
export type LoadContext = {
  readonly semantics: PolicySemantics;
  /** Where the data stands. */
  readonly path: TreePath;
  /** Text after the first `/` of the criterion's key; undefined when there is none. */
  readonly subPath: string | undefined;
  /** The named windows of the configuration. */
  readonly changeWindows: ChangeWindows;
  /** The sources of records of the configuration. */
  readonly recordSources: RecordSourceRules;
  /** Labels of the route. */
  readonly labels: ReadonlyMap<string, string>;
  /** Request headers, in lower case, that Doorward sets for the application on this route. */
  readonly ownHeaders: ReadonlySet<string>;
  /** Whether client certificates are validated against a configured CA on this route. */
  readonly hasClientCa: boolean;
  /** Whether an invalid client certificate is refused on this route by a rule of its own. */
  readonly refusesInvalidCertificate: boolean;
  /** Stops the load in both semantics. */
  readonly error: (path: TreePath, message: string) => void;
  /** What `strict` refuses to load and `pomerium` accepts: an error in the one, a warning in the other. */
  strictly(path: TreePath, message: string): void;
  /** Loads, and is probably not what is meant. */
  warn(path: TreePath, message: string): void;
  /** The two semantics could decide differently. */
  differs(path: TreePath, message: string): void;
};

/** Reads the data of a criterion; undefined when it said what is wrong with it. */
export type DataParser<T> = {
  /** As docs/policy-language.md names it. */
  readonly form: string;
  parse(data: Tree, context: LoadContext): T | undefined;
};

export type Criterion = {
  readonly name: string;
  /** The form of its data. */
  readonly form: string;
  readonly hasSubPath: boolean;
  readonly needs: readonly Need[];
  /** All reasons that it can give, but `criterion-error`. */
  readonly reasons: readonly Reason[];
  /** Judges who asks; without identity its outcome does not depend on anything else. */
  readonly isIdentity: boolean;
  /** Every fact that its test may look at, besides the time and the request's method, host and path. */
  reads(of: ReadBy): readonly FactName[];
  load(data: Tree, context: LoadContext): LoadedUse | undefined;
};

/** What one use of a criterion must see. For most criteria that is the same in every use. */
type Uses = { readonly needs: readonly Need[]; readonly reads: readonly FactName[]; readonly isIdentity: boolean };

export type LoadedUse = Uses & { readonly test: Test };

/** One use of a criterion in a policy. */
export type ReadBy = { readonly data: Tree; readonly subPath: string | undefined };

type Reads = readonly FactName[] | ((of: ReadBy) => readonly FactName[]);

const readsAnything: readonly FactName[] = ['anything'];

type CriterionDefinition<T> = {
  readonly name: string;
  readonly data: DataParser<T>;
  readonly hasSubPath?: boolean;
  readonly needs: readonly Need[];
  /** Not given: it may look at anything, and a record of it cannot be judged again. */
  readonly reads?: Reads;
  readonly reasons: readonly Reason[];
  readonly isIdentity?: boolean;
  /** For a criterion whose data says what it looks at; `needs`, `reads` and `isIdentity` are then only what holds of every use. */
  readonly uses?: (data: T) => Uses;
  readonly compile: (data: T, context: LoadContext) => Test;
};

export function criterion<T>(definition: CriterionDefinition<T>): Criterion {
  const { name, data, hasSubPath = false, needs, reasons, isIdentity = false, compile } = definition;
  const { reads = readsAnything, uses } = definition;
  const readsOf = typeof reads === 'function' ? reads : () => reads;
  const fixedReads = typeof reads === 'function' ? undefined : reads;
  return {
    name,
    form: data.form,
    hasSubPath,
    needs,
    reasons,
    isIdentity,
    reads: readsOf,
    load(tree, context) {
      if (context.subPath !== undefined && !hasSubPath)
        context.strictly(context.path, `\`${name}\` takes no path after a slash: write \`${name}\``);
      const parsed = data.parse(tree, context);
      if (parsed === undefined) return undefined;
      const test = compile(parsed, context);
      const own = uses?.(parsed);
      if (own !== undefined) return { needs: own.needs, reads: own.reads, isIdentity: own.isIdentity, test };
      const readsHere = fixedReads ?? readsOf({ data: tree, subPath: context.subPath });
      return { needs, reads: readsHere, isIdentity, test };
    },
  };
}

export const outcome = (state: State, ...reasons: readonly Reason[]): Outcome => ({
  state,
  reasons: reasonSet(reasons),
});

export const criterionFailed: Outcome = outcome('unknown', 'criterion-error');
const unauthenticated: Outcome = outcome('false', LOGIN_REASON);
const unknownSubject: Outcome = outcome('curable', LOGIN_REASON);

/** What a criterion about who asks comes to where nobody is signed in, if it cannot be judged without. */
export const withoutSubject = (semantics: PolicySemantics): Outcome =>
  semantics === 'strict' ? unknownSubject : unauthenticated;

/** One reason for each truth. `unknown` is given only in `strict`. */
export type ReasonsByTruth = { readonly pass: Reason; readonly fail: Reason; readonly unknown?: Reason };

/** Turns truths into outcomes that are made once. */
export function outcomes(reasons: ReasonsByTruth): (truth: Truth) => Outcome {
  const pass = outcome('true', reasons.pass);
  const fail = outcome('false', reasons.fail);
  const unknown = outcome('unknown', reasons.unknown ?? NOT_UTF8_REASON);
  return (truth) => (truth === true ? pass : truth === false ? fail : unknown);
}

/** A text holds bytes that are not UTF-8; nobody knows what the upstream makes of them. */
export const NOT_UTF8_REASON = 'text-not-utf8';

/** The reasons that a criterion of that data can give. */
export const reasonsOf = (
  { pass, fail, unknown }: ReasonsByTruth,
  { form }: DataParser<unknown>,
): readonly Reason[] => [
  pass,
  fail,
  ...(unknown !== undefined ? [unknown] : form === 'string matcher' ? [NOT_UTF8_REASON] : []),
];

/**
 * A criterion about who asks. Without identity it is unknown in `strict`, and leads to a login. In `pomerium` the same test runs
 * without a subject, and only if it fails the reason is `user-unauthenticated`.
 */
export function identityCriterion<T>(definition: {
  readonly name: string;
  readonly data: DataParser<T>;
  readonly hasSubPath?: boolean;
  readonly needs?: readonly Need[];
  readonly reads?: Reads;
  readonly reasons: ReasonsByTruth;
  compile(data: T, context: LoadContext): (subject: Subject | undefined, facts: PolicyFacts) => Truth;
}): Criterion {
  const { reasons } = definition;
  const byTruth = outcomes(reasons);
  return criterion<T>({
    ...definition,
    needs: ['subject', ...(definition.needs ?? [])],
    isIdentity: true,
    reasons: [...reasonsOf(reasons, definition.data), LOGIN_REASON],
    compile(data, context) {
      const matches = definition.compile(data, context);
      if (context.semantics === 'strict')
        return (facts) => (facts.subject === undefined ? unknownSubject : byTruth(matches(facts.subject, facts)));
      return (facts) => {
        const truth = matches(facts.subject, facts);
        return facts.subject === undefined && truth === false ? unauthenticated : byTruth(truth);
      };
    },
  });
}

export const notHttp = outcome('unknown', 'request-not-http');

/** What `pomerium` sees where there is no HTTP request. */
const emptyHttp: HttpFacts = { method: '', hostname: '', path: '', query: '', header: () => [] };

/** A criterion about the HTTP request. Where there is none it is unknown in `strict`; in `pomerium` every part of it is empty. */
export function httpCriterion<T>(definition: {
  readonly name: string;
  readonly data: DataParser<T>;
  readonly hasSubPath?: boolean;
  readonly needs?: readonly Need[];
  readonly reads?: Reads;
  readonly reasons: ReasonsByTruth;
  compile(data: T, context: LoadContext): (http: HttpFacts) => Truth;
}): Criterion {
  const { reasons } = definition;
  const byTruth = outcomes(reasons);
  return criterion<T>({
    ...definition,
    needs: definition.needs ?? [],
    reasons: [...reasonsOf(reasons, definition.data), ...notHttp.reasons.list],
    compile(data, context) {
      const matches = definition.compile(data, context);
      if (context.semantics === 'strict') return ({ http }) => (http === undefined ? notHttp : byTruth(matches(http)));
      return ({ http }) => byTruth(matches(http ?? emptyHttp));
    },
  });
}
