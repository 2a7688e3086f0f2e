/**
 * `client_certificate`: what the client's certificate is: `fingerprint`, `spki_hash`, `san_email`, `san_dns`, `san_uri`; all that are given
 * must hold. In `strict` only a certificate that was validated against the configured CA counts.
 * Reasons: client-certificate-ok, client-certificate-unauthorized. Source: docs/policy-language.md "client_certificate".
 */

import type { Tree, TreePath } from '../../problem.ts';
import { err, ok } from '../../result.ts';
import type { Result } from '../../result.ts';
import type { CertificateFacts } from '../facts.ts';
import type { DataParser, LoadContext } from '../criterion.ts';
import { criterion, outcome } from '../criterion.ts';
import { parseTextList } from '../data.ts';
import { stringOperators, stringTests } from '../matchers.ts';
import type { StringOperators } from '../matchers.ts';
import { isObject, kindOf } from '../tree.ts';

type Leaf = NonNullable<CertificateFacts['leaf']>;
type LeafTest = (leaf: Leaf) => boolean;
type LeafReader = (data: Tree, context: LoadContext, path: TreePath) => LeafTest | undefined;

const accepted = outcome('true', 'client-certificate-ok');
const unauthorized = outcome('false', 'client-certificate-unauthorized');

/** 64 lower-case hex digits, or 32 upper-case hex bytes with colons between them. */
export function parseFingerprint(text: string): Result<string, string> {
  if (/^[0-9a-f]{64}$/.test(text)) return ok(text);
  if (/^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/.test(text)) return ok(text.replaceAll(':', '').toLowerCase());
  return err('expected a SHA-256 fingerprint: 64 lower-case hex digits, or 32 upper-case hex bytes with colons');
}

/** Standard base64 of 32 bytes. */
export function parseSpkiHash(text: string): Result<string, string> {
  // Line breaks within base64 carry nothing, and are left out when the text is compared.
  const plain = text.replace(/[\r\n]/g, '');
  return /^[A-Za-z0-9+/]{43}=$/.test(plain)
    ? ok(text)
    : err('expected the base64 of a SHA-256 hash of the public key (44 characters)');
}

const hash =
  (read: (leaf: Leaf) => string, parse: (text: string) => Result<string, string>): LeafReader =>
  (data, context, path) => {
    const texts = parseTextList(data, context, path, parse);
    return texts === undefined ? undefined : (leaf) => texts.includes(read(leaf));
  };

const negativeOperators = new Set(['not', 'not_in']);

/** In `pomerium`, `not_in` has no meaning over several names. */
const existentialOperators: StringOperators = {
  ...stringOperators,
  not_in: (data, context, path) => {
    stringOperators['not_in']?.(data, context, path);
    context.error(
      path,
      '`not_in` cannot be evaluated on the names of a certificate under `policy_semantics: pomerium`',
    );
    return undefined;
  },
};

/**
 * Names of a certificate. `pomerium`: each operator must hold for some name, not necessarily the same. `strict`: one name must meet all
 * the positive operators, and every name the negative ones (`not`, `not_in`).
 */
const names =
  (read: (leaf: Leaf) => readonly string[]): LeafReader =>
  (data, context, path) => {
    const isStrict = context.semantics === 'strict';
    const operators = isStrict ? stringOperators : existentialOperators;
    const tests = stringTests(data, context, operators, path);
    const given = isObject(data) ? Object.keys(data) : ['is'];
    if (given.length > 1 || given.some((operator) => negativeOperators.has(operator)))
      context.differs(
        path,
        'with several names in a certificate, `strict` wants one name to meet all operators and every name to meet the negative ones; `pomerium` takes any name for each operator',
      );
    if (tests === undefined) return undefined;
    if (!isStrict) return (leaf) => tests.every((test) => read(leaf).some(test));
    const positive = tests.filter((_, index) => !negativeOperators.has(given[index] ?? ''));
    const negative = tests.filter((_, index) => negativeOperators.has(given[index] ?? ''));
    return (leaf) =>
      read(leaf).some((name) => positive.every((test) => test(name))) &&
      read(leaf).every((name) => negative.every((test) => test(name)));
  };

const readers: { readonly [field: string]: LeafReader } = {
  fingerprint: hash((leaf) => leaf.fingerprint, parseFingerprint),
  spki_hash: hash((leaf) => leaf.spkiHash, parseSpkiHash),
  san_email: names((leaf) => leaf.sanEmail),
  san_dns: names((leaf) => leaf.sanDns),
  san_uri: names((leaf) => leaf.sanUri),
};

const certificateMatcher: DataParser<LeafTest> = {
  form: 'certificate matcher',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      context.error(path, `expected a mapping with ${Object.keys(readers).join(', ')}, not ${kindOf(data)}`);
      return undefined;
    }
    const fields = Object.entries(data);
    if (fields.length === 0) context.strictly(path, 'an empty matcher tests nothing: say what must match');
    const tests: LeafTest[] = [];
    for (const [field, value] of fields) {
      const at = [...path, field];
      const read = Object.hasOwn(readers, field) ? readers[field] : undefined;
      if (read === undefined)
        context.error(at, `\`${field}\` is not a part of a certificate here: use ${Object.keys(readers).join(', ')}`);
      const test = read?.(value, context, at);
      if (test !== undefined) tests.push(test);
    }
    return tests.length === fields.length ? (leaf) => tests.every((test) => test(leaf)) : undefined;
  },
};

export const clientCertificate = criterion({
  name: 'client_certificate',
  data: certificateMatcher,
  needs: ['certificate'],
  reads: ['certificate'],
  reasons: [accepted, unauthorized].flatMap(({ reasons }) => reasons.list),
  compile: (matches, context) => {
    if (!context.hasClientCa || !context.refusesInvalidCertificate)
      context.differs(
        context.path,
        context.hasClientCa
          ? '`strict` takes only a certificate that was validated against the client CA; `pomerium` also takes one that was not, unless a rule denies `invalid_client_certificate`'
          : 'no client CA is configured: under `strict` no certificate is valid and this never holds; `pomerium` takes any certificate',
      );
    const isStrict = context.semantics === 'strict';
    return ({ certificate: { leaf, valid } }) =>
      leaf !== undefined && (valid || !isStrict) && matches(leaf) ? accepted : unauthorized;
  },
});
