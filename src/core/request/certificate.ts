/**
 * Client certificates as data, and whether one is valid: a chain to a configured authority, in time, for client authentication, not
 * revoked, of the names that are wanted (RFC 5280 §6). Pure: certificates come parsed (adapters/x509), the time is an argument.
 */

import type { KeyObject, X509Certificate } from 'node:crypto';
import type { PolicySemantics } from '../config.ts';
import type { CertificateFacts } from '../policy/facts.ts';
import type { Problem, TreePath } from '../problem.ts';
import { compileRegex } from '../regex.ts';
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { epochSeconds } from '../units.ts';
import type { EpochSeconds } from '../units.ts';
import { sanTypes } from './san.ts';
import type { SanPattern, SanType } from './san.ts';

/** One certificate, parsed. Names of entities are the hex of their DER, so that equal text means equal name. */
export type Certificate = {
  /** For its key and to verify its signature. */
  readonly x509: Pick<X509Certificate, 'verify' | 'publicKey'>;
  readonly subject: string;
  readonly issuer: string;
  /** Lower-case hex, without leading zeros. */
  readonly serialNumber: string;
  readonly notBefore: EpochSeconds;
  readonly notAfter: EpochSeconds;
  /** Basic constraints; undefined = not a certificate authority. */
  readonly authority: { readonly pathLength: number | undefined } | undefined;
  /** False when a key usage extension does not name the signing of certificates. */
  readonly maySignCertificates: boolean;
  /** Object identifiers; undefined = no such extension, so any use. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** Signed with MD5 or SHA-1. */
  readonly isWeaklySigned: boolean;
  /** A critical extension that nobody here understands (name constraints are one): the certificate must not be used. */
  readonly hasUnknownCritical: boolean;
  readonly names: { readonly [T in SanType]: readonly string[] };
  readonly leaf: NonNullable<CertificateFacts['leaf']>;
};

/** A certificate revocation list, parsed. */
export type RevocationList = {
  readonly issuer: string;
  /** When there should be a newer one; undefined = it does not say. */
  readonly nextUpdate: EpochSeconds | undefined;
  readonly serialNumbers: ReadonlySet<string>;
  isSignedBy(key: KeyObject): boolean;
};

/** `downstream_mtls.match_subject_alt_names`: at least one name of the certificate must match. */
export type SanMatchers = { readonly [T in SanType]?: (name: string) => boolean };

export type ClientCertificateRules = {
  readonly authorities: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
  /** Undefined = any names. */
  readonly names: SanMatchers | undefined;
  /** Certificates above the leaf; 0 = no limit but that of the search. */
  readonly depthMax: number;
  /** Whether a list that is older than its `nextUpdate` revokes: what was revoked since, it does not say. */
  readonly refusesStaleLists: boolean;
};

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** Certificates of one chain, and signatures that are verified in all to find one: a bound on what a client's chain can cost. */
const CHAIN_LENGTH_MAX = 10;
const SIGNATURES_MAX = 100;
/** Certificates of the client's chain that are looked at. */
const INTERMEDIATES_MAX = 20;

/**
 * The chain from `leaf` to an authority that keeps every rule, leaf first; undefined where there is none. `intermediates`: as the client
 * sent them, in any order.
 */
export function findClientChain(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  rules: ClientCertificateRules,
  now: EpochSeconds,
): readonly Certificate[] | undefined {
  const search: Search = {
    rules,
    now,
    intermediates: intermediates.slice(0, INTERMEDIATES_MAX),
    signaturesLeft: SIGNATURES_MAX,
  };
  return isUsable(leaf, now) ? extendChain([leaf], leaf, search) : undefined;
}

type Search = {
  readonly rules: ClientCertificateRules;
  readonly now: EpochSeconds;
  readonly intermediates: readonly Certificate[];
  signaturesLeft: number;
};

/** Depth first: the authorities before the client's intermediates. `last` ends `chain`, and is to be issued by the next. */
function extendChain(
  chain: readonly Certificate[],
  last: Certificate,
  search: Search,
): readonly Certificate[] | undefined {
  const { authorities } = search.rules;
  // An authority may be the leaf itself.
  const isAuthority = chain.length === 1 && authorities.some((authority) => isSame(authority, last));
  if (isAuthority && keepsRules(chain, search)) return chain;
  if (chain.length >= CHAIN_LENGTH_MAX) return undefined;
  const isNext = (candidate: Certificate): boolean =>
    !chain.some((earlier) => isSame(earlier, candidate)) && isIssuer(candidate, last, chain.length - 1, search);
  for (const authority of authorities) {
    if (isNext(authority) && keepsRules([...chain, authority], search)) return [...chain, authority];
  }
  for (const candidate of search.intermediates) {
    const found = isNext(candidate) ? extendChain([...chain, candidate], candidate, search) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const isSame = (a: Certificate, b: Certificate): boolean => a.leaf.fingerprint === b.leaf.fingerprint;

/** `below`: intermediates between the issuer and the leaf. */
function isIssuer(issuer: Certificate, subject: Certificate, below: number, search: Search): boolean {
  if (issuer.subject !== subject.issuer || !isUsable(issuer, search.now)) return false;
  if (issuer.authority === undefined || !issuer.maySignCertificates) return false;
  if (below > (issuer.authority.pathLength ?? Infinity) || subject.isWeaklySigned) return false;
  if (search.signaturesLeft <= 0) return false;
  search.signaturesLeft--;
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    // A key of another kind than the signature.
    return false;
  }
}

const isUsable = (certificate: Certificate, now: EpochSeconds): boolean =>
  certificate.notBefore <= now && now <= certificate.notAfter && !certificate.hasUnknownCritical;

/** What holds of a whole chain, leaf first: use, depth, names and revocation. */
function keepsRules(chain: readonly Certificate[], { rules, now }: Search): boolean {
  if (rules.depthMax > 0 && chain.length - 1 > rules.depthMax) return false;
  if (!chain.every(mayAuthenticateClients)) return false;
  const [leaf, issuer] = chain;
  if (leaf === undefined || !hasWantedName(leaf, rules.names)) return false;
  return issuer === undefined || !isRevoked(leaf, issuer, rules, now);
}

const mayAuthenticateClients = ({ extendedKeyUsage: usage }: Certificate): boolean =>
  usage === undefined || usage.includes(CLIENT_AUTH) || usage.includes(ANY_USAGE);

const hasWantedName = ({ names }: Certificate, matchers: SanMatchers | undefined): boolean =>
  matchers === undefined || sanTypes.some((type) => names[type].some((name) => matchers[type]?.(name) === true));

/** Lists of the leaf's issuer only, as Envoy's `only_verify_leaf_cert_crl`. A list that the issuer did not sign revokes: it may hide one that does. */
const isRevoked = (
  leaf: Certificate,
  issuer: Certificate,
  { revocationLists, refusesStaleLists }: ClientCertificateRules,
  now: EpochSeconds,
): boolean =>
  revocationLists.some(
    (list) =>
      list.issuer === issuer.subject &&
      ((refusesStaleLists && isStale(list, now)) ||
        !isSignedBy(list, issuer) ||
        list.serialNumbers.has(leaf.serialNumber)),
  );

export const isStale = ({ nextUpdate }: RevocationList, now: EpochSeconds): boolean =>
  nextUpdate !== undefined && nextUpdate < now;

/** False also where the key is of another kind than the signature. */
export function isSignedBy(list: RevocationList, issuer: Certificate): boolean {
  try {
    return list.isSignedBy(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/**
 * The patterns of each type as one matcher; the error names each pattern that is no regular expression. `strict`: a name must match one
 * pattern as a whole. `pomerium`: several patterns of one type are bound only at the beginning of the first and the end of the last.
 */
export function compileSanPatterns(
  patterns: readonly SanPattern[],
  semantics: PolicySemantics,
  path: TreePath,
): Result<SanMatchers | undefined, readonly Problem[]> {
  const problems: Problem[] = [];
  const matchers: { [T in SanType]?: (name: string) => boolean } = {};
  for (const type of sanTypes) {
    const ofType = [...patterns.entries()].filter(([, pattern]) => pattern.type === type);
    const tests = ofType.flatMap(([index, { pattern }], position) => {
      const source = semantics === 'strict' ? pattern : looselyBound(pattern, position, ofType.length);
      const compiled = compileRegex(source);
      if (compiled.ok) return [compiled.value];
      problems.push({ severity: 'error', path: [...path, index, type], message: compiled.error });
      return [];
    });
    if (tests.length > 0) matchers[type] = (name) => tests.some((test) => test(name));
  }
  if (problems.length > 0) return err(problems);
  return ok(patterns.length === 0 ? undefined : matchers);
}

function looselyBound(pattern: string, index: number, count: number): string {
  const anything = '(?s:.*)';
  const before = index === 0 ? '' : anything;
  const after = index === count - 1 ? '' : anything;
  return `${before}(?:${pattern})${after}`;
}

/** What a request's certificate came to, and how long that holds. */
export type JudgedCertificate = {
  readonly facts: CertificateFacts;
  /** The facts hold at any time from the first to the second, both included. */
  readonly holds: readonly [from: EpochSeconds, until: EpochSeconds];
};

/** `chain`: what the client sent, leaf first; empty where it was not passed on, or cannot be read. */
export function judgeCertificate(
  presented: boolean,
  chain: readonly Certificate[],
  rules: ClientCertificateRules,
  now: EpochSeconds,
): JudgedCertificate {
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined) return { facts: { presented, valid: false, leaf: undefined }, holds: [now, now] };
  const found = findClientChain(leaf, intermediates, rules, now);
  const facts: CertificateFacts = { presented, valid: found !== undefined, leaf: leaf.leaf };
  const from = found === undefined ? now : epochSeconds(Math.max(...found.map(({ notBefore }) => notBefore)));
  return { facts, holds: [from, nextChange(found ?? [...chain, ...rules.authorities], rules, now)] };
}

/**
 * The last second before time alone could change the judgement: until then the same certificates are usable, and the same lists stale. Of a
 * valid one its own chain counts; of an invalid one all from which another chain could be made.
 */
function nextChange(
  certificates: readonly Certificate[],
  { revocationLists, refusesStaleLists }: ClientCertificateRules,
  now: EpochSeconds,
): EpochSeconds {
  const ends = certificates.map(({ notAfter }) => notAfter);
  const beginnings = certificates.filter(({ notBefore }) => notBefore > now).map(({ notBefore }) => notBefore - 1);
  const updates = refusesStaleLists ? revocationLists.map(({ nextUpdate }) => nextUpdate ?? Infinity) : [];
  const changes = [...ends, ...updates].filter((time) => time >= now);
  return epochSeconds(Math.max(now, Math.min(...beginnings, ...changes)));
}
