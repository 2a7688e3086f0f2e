/** The certificate of a vector's request, and what its settings make of it. */

import { parseCertificates, parseRevocationLists } from '../../src/adapters/x509/parse-certificates.ts';
import { compileSanPatterns, judgeCertificate } from '../../src/core/request/certificate.ts';
import type { Certificate } from '../../src/core/request/certificate.ts';
import { sanTypes } from '../../src/core/request/san.ts';
import type { CertificateFacts } from '../../src/core/policy/facts.ts';
import { NOW } from './ppl-facts.ts';
import type { Fixtures, PplVector } from './vector.ts';

type VectorCertificates = {
  readonly facts: CertificateFacts;
  /** A CA applies to this route. */
  readonly hasCa: boolean;
  /** The default rule is added: some CA is configured, and `enforcement` is not `policy`. */
  readonly denyInvalid: boolean;
};

const parsed = new Map<string, readonly Certificate[]>();

/** Certificates of a PEM text; none where it cannot be read. */
function certificates(pem: string): readonly Certificate[] {
  const known = parsed.get(pem);
  if (known !== undefined) return known;
  const result = parseCertificates(pem);
  const value = result.ok ? result.value : [];
  parsed.set(pem, value);
  return value;
}

/** Undefined where the settings do not load. */
export function createCertificates(vector: PplVector, fixtures: Fixtures): VectorCertificates | undefined {
  const settings = vector.settings?.downstream_mtls;
  const named = (names: readonly string[]): readonly Certificate[] =>
    names.flatMap((name) => certificates(fixtures.certs[name]?.pem ?? ''));
  const routeCa = vector.route.tls_downstream_client_ca ?? [];
  const authorities = named(routeCa.length > 0 ? routeCa : (settings?.ca ?? []));
  const lists = settings?.crl === undefined ? undefined : parseRevocationLists(fixtures.crl);
  const patterns = (settings?.match_subject_alt_names ?? []).flatMap(({ type, pattern }) => {
    const known = sanTypes.find((name) => name === type);
    return known === undefined ? [] : [{ type: known, pattern }];
  });
  const names = compileSanPatterns(patterns, 'pomerium', ['downstream_mtls', 'match_subject_alt_names']);
  if (lists?.ok === false || !names.ok) return undefined;

  const { presented = false, chain = [] } = vector.request.client_certificate ?? {};
  const sent = vector.request.ssh !== undefined ? [] : typeof chain === 'string' ? certificates(chain) : named(chain);
  const rules = {
    authorities,
    revocationLists: lists?.value ?? [],
    names: names.value,
    depthMax: settings?.max_verify_depth ?? 1,
    refusesStaleLists: false,
  };
  const hasCa = authorities.length > 0;
  return {
    facts: judgeCertificate(presented && vector.request.ssh === undefined, sent, rules, NOW).facts,
    hasCa,
    denyInvalid: (hasCa || (settings?.ca ?? []).length > 0) && settings?.enforcement !== 'policy',
  };
}
