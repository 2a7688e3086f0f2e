/**
 * Client certificates of requests: reads what Envoy passes on (`source.certificate`, URL-encoded PEM), has the core judge it, and remembers
 * the judgement for as long as it holds. Must not decide anything itself.
 */

import type { PolicySemantics } from '../../core/config.ts';
import type { CertificateFacts } from '../../core/policy/facts.ts';
import type { Problem, TreePath } from '../../core/problem.ts';
import { compileSanPatterns, judgeCertificate } from '../../core/request/certificate.ts';
import type { ClientCertificateRules, JudgedCertificate, SanPattern } from '../../core/request/certificate.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import type { EpochSeconds } from '../../core/units.ts';
import { parseCertificates, parseRevocationLists } from './parse-certificates.ts';

/** The keys of `downstream_mtls`, with the contents of files. */
export type ClientCertificateSettings = {
  /** PEM. */
  readonly ca: string;
  /** PEM. */
  readonly crl?: string;
  readonly match_subject_alt_names?: readonly SanPattern[];
  /** 0 = no limit; undefined = 1. */
  readonly max_verify_depth?: number;
};

const DEPTH_DEFAULT = 1;

/** `path`: where `downstream_mtls` stands. */
export function loadClientCertificateRules(
  settings: ClientCertificateSettings,
  semantics: PolicySemantics,
  path: TreePath,
): Result<ClientCertificateRules, readonly Problem[]> {
  const problems: Problem[] = [];
  const fault = (key: string, message: string): void => {
    problems.push({ severity: 'error', path: [...path, key], message });
  };
  const authorities = parseCertificates(settings.ca);
  if (!authorities.ok) fault('ca', authorities.error);
  const lists = settings.crl === undefined ? ok([]) : parseRevocationLists(settings.crl);
  if (!lists.ok) fault('crl', lists.error);
  const names = compileSanPatterns(settings.match_subject_alt_names ?? [], semantics, [
    ...path,
    'match_subject_alt_names',
  ]);
  if (!names.ok) problems.push(...names.error);
  if (!authorities.ok || !lists.ok || !names.ok) return err(problems);
  return ok({
    authorities: authorities.value,
    revocationLists: lists.value,
    names: names.value,
    depthMax: settings.max_verify_depth ?? DEPTH_DEFAULT,
  });
}

export interface ClientCertificates {
  /** `encoded`: URL-encoded PEM, leaf first; '' = the client presented none, or Envoy does not pass it on. */
  factsOf(encoded: string, now: EpochSeconds): CertificateFacts;
}

/** Certificates that are remembered, and characters of one that is looked at: a bound on memory and on what a client can cost. */
const REMEMBERED_MAX = 1000;
const ENCODED_CHARS_MAX = 64 * 1024;

const none: CertificateFacts = { presented: false, valid: false, leaf: undefined };
const unreadable: CertificateFacts = { presented: true, valid: false, leaf: undefined };

/** Makes the reader for one set of rules. A new set (rotation) gets a reader of its own, so nothing old is remembered. */
export function createClientCertificates(rules: ClientCertificateRules): ClientCertificates {
  const remembered = new Map<string, JudgedCertificate>();
  return {
    factsOf(encoded, now) {
      if (encoded === '') return none;
      if (encoded.length > ENCODED_CHARS_MAX) return unreadable;
      const known = remembered.get(encoded);
      if (known !== undefined && known.holds[0] <= now && now <= known.holds[1]) return known.facts;
      const judged = judgeCertificate(true, read(encoded), rules, now);
      remembered.delete(encoded);
      const oldest = remembered.size < REMEMBERED_MAX ? undefined : remembered.keys().next().value;
      if (oldest !== undefined) remembered.delete(oldest);
      remembered.set(encoded, judged);
      return judged.facts;
    },
  };
}

function read(encoded: string): Parameters<typeof judgeCertificate>[1] {
  try {
    const parsed = parseCertificates(decodeURIComponent(encoded));
    return parsed.ok ? parsed.value : [];
  } catch {
    // Percent-encoding that is none.
    return [];
  }
}
