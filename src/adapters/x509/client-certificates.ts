/**
 * Client certificates of requests: reads what Envoy passes on (`source.certificate`, URL-encoded PEM), has the core judge it, and remembers
 * the judgement for as long as it holds. Must not decide anything itself.
 */

import { createHash } from 'node:crypto';
import type { DownstreamMtlsConfig, PolicySemantics } from '../../core/config.ts';
import type { CertificateFacts } from '../../core/policy/facts.ts';
import type { Problem, TreePath } from '../../core/problem.ts';
import { compileSanPatterns, judgeCertificate } from '../../core/request/certificate.ts';
import type { ClientCertificateRules, JudgedCertificate } from '../../core/request/certificate.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import type { EpochSeconds } from '../../core/units.ts';
import { parseCertificates, parseRevocationLists } from './parse-certificates.ts';

/** The keys of `downstream_mtls` with the contents of files, as far as validity depends on them. */
export type ClientCertificateSettings = Pick<DownstreamMtlsConfig, 'ca'> &
  Partial<Omit<DownstreamMtlsConfig, 'ca' | 'enforcement'>>;

const DEPTH_DEFAULT = 1;

/** `path`: where `downstream_mtls` stands. Without `ca`: rules under which no certificate is valid. */
export function loadClientCertificateRules(
  settings: ClientCertificateSettings,
  semantics: PolicySemantics,
  path: TreePath,
): Result<ClientCertificateRules, readonly Problem[]> {
  const problems: Problem[] = [];
  const fault = (key: string, message: string): void => {
    problems.push({ severity: 'error', path: [...path, key], message: `\`${key}\`: ${message}` });
  };
  const authorities = settings.ca === undefined ? ok([]) : parseCertificates(settings.ca);
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
    refusesStaleLists: semantics === 'strict',
  });
}

export interface CertificateReader {
  /** `encoded`: URL-encoded PEM, leaf first; '' = the client presented none, or Envoy does not pass it on. */
  factsOf(encoded: string, now: EpochSeconds): CertificateFacts;
}

/** Certificates that are remembered, and characters of one that is looked at: a bound on memory and on what a client can cost. */
const REMEMBERED_MAX = 1000;
const ENCODED_CHARS_MAX = 64 * 1024;

const none: CertificateFacts = { presented: false, valid: false, leaf: undefined };
const unreadable: CertificateFacts = { presented: true, valid: false, leaf: undefined };

/** Makes the reader for one set of rules. A new set (rotation) gets a reader of its own, so nothing old is remembered. */
export function createCertificateReader(rules: ClientCertificateRules): CertificateReader {
  /** By digest of what was sent, the whole chain: a judgement is about all of it. */
  const remembered = new Map<string, JudgedCertificate>();
  return {
    factsOf(encoded, now) {
      if (encoded === '') return none;
      if (encoded.length > ENCODED_CHARS_MAX) return unreadable;
      const key = createHash('sha256').update(encoded).digest('base64');
      const known = remembered.get(key);
      if (known !== undefined && known.holds[0] <= now && now <= known.holds[1]) return known.facts;
      const judged = judgeCertificate(true, read(encoded), rules, now);
      remembered.delete(key);
      const oldest = remembered.size < REMEMBERED_MAX ? undefined : remembered.keys().next().value;
      if (oldest !== undefined) remembered.delete(oldest);
      remembered.set(key, judged);
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
