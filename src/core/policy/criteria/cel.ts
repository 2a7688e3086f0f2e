/**
 * `cel`: an expression in CEL that gives a bool. About who asks where it uses `subject` or `claims`. What cannot be judged is unknown.
 * Reasons: cel-ok, cel-unauthorized, user-unauthenticated, request-not-http, mcp-message-unreadable. Source: docs/policy-language.md "cel".
 */

import { compileCel } from '../cel.ts';
import type { CelProgram } from '../cel.ts';
import type { CelVariable } from '../cel-inspect.ts';
import type { Need } from '../compiled-policy.ts';
import type { DataParser } from '../criterion.ts';
import { criterion, notHttp, outcome, outcomes, withoutSubject } from '../criterion.ts';
import { LOGIN_REASON } from '../reasons.ts';
import { kindOf } from '../tree.ts';

const expression: DataParser<CelProgram> = {
  form: 'expression',
  parse(data, context) {
    if (typeof data !== 'string') {
      context.error(context.path, `expected an expression as a text, not ${kindOf(data)}`);
      return undefined;
    }
    const compiled = compileCel(data, context.ownHeaders);
    if (compiled.ok) return compiled.value;
    context.error(context.path, compiled.error);
    return undefined;
  },
};

const unreadable = outcome('unknown', 'mcp-message-unreadable');
const byTruth = outcomes({ pass: 'cel-ok', fail: 'cel-unauthorized' });

const needsSubject = ({ variables }: CelProgram): boolean => variables.has('subject') || variables.has('claims');

const needOf: { readonly [V in CelVariable]?: Need } = {
  subject: 'subject',
  claims: 'subject',
  certificate: 'certificate',
  mcp: 'body',
};

function needsOf({ variables, headers }: CelProgram): readonly Need[] {
  const needs = [...variables].map((name) => needOf[name]).filter((need) => need !== undefined);
  return headers.size === 0 ? needs : [...needs, 'headers'];
}

export const cel = criterion({
  name: 'cel',
  data: expression,
  needs: [],
  reads: ['anything'],
  uses: (program) => ({ needs: needsOf(program), reads: program.reads, isIdentity: needsSubject(program) }),
  reasons: ['cel-ok', 'cel-unauthorized', LOGIN_REASON, 'request-not-http', 'mcp-message-unreadable'],
  compile: (program, { semantics }) => {
    const { variables } = program;
    const isIdentity = needsSubject(program);
    const nobody = withoutSubject(semantics);
    return (facts) => {
      if (isIdentity && facts.subject === undefined) return nobody;
      if (variables.has('request') && facts.http === undefined) return notHttp;
      if (variables.has('mcp') && facts.mcp?.readable !== true) return unreadable;
      return byTruth(program.evaluate(facts));
    };
  },
});
