/** The client certificate rules of a configuration: `downstream_mtls`, and the authorities that routes have of their own. */

import {
  createCertificateReader,
  loadClientCertificateRules,
  type CertificateReader,
} from '../adapters/x509/client-certificates.ts';
import { parseCertificates } from '../adapters/x509/parse-certificates.ts';
import type { AccessConfig } from '../core/config.ts';
import type { ClientCertificates } from '../core/ports.ts';
import type { Problem, TreePath } from '../core/problem.ts';
import type { Certificate, ClientCertificateRules } from '../core/request/certificate.ts';
import { problemsOfAuthorities, problemsOfLists } from '../core/request/certificate-rules.ts';
import type { EpochSeconds } from '../core/units.ts';

export type CompiledCertificates = {
  /** Undefined where a problem is an error. */
  readonly certificates: ClientCertificates | undefined;
  readonly problems: readonly Problem[];
};

type Source = {
  readonly access: Pick<AccessConfig, 'routes' | 'downstream_mtls' | 'policy_semantics'>;
  readonly routePath: (index: number) => TreePath;
};

const MTLS: TreePath = ['downstream_mtls'];

/** `now`: for authorities and lists whose time is over. */
export function compileCertificates(source: Source, now: EpochSeconds): CompiledCertificates {
  const { downstream_mtls: mtls, policy_semantics: semantics } = source.access;
  const loaded = loadClientCertificateRules(mtls ?? {}, semantics, MTLS);
  const problems: Problem[] = loaded.ok ? [] : [...loaded.error];
  const ofRoutes = routeAuthorities(source, problems, now);
  if (!loaded.ok) return { certificates: undefined, problems };

  const rules = loaded.value;
  if (mtls?.ca !== undefined) problems.push(...problemsOfAuthorities(rules.authorities, [...MTLS, 'ca'], now));
  const authorities = [...rules.authorities, ...[...ofRoutes.values()].flat()];
  problems.push(...problemsOfLists(rules, authorities, [...MTLS, 'crl'], now));
  const isFaulty = problems.some(({ severity }) => severity === 'error');
  return { certificates: isFaulty ? undefined : createReaders(rules, ofRoutes), problems };
}

/** By PEM text, which many routes may share. */
function routeAuthorities(
  { access, routePath }: Source,
  problems: Problem[],
  now: EpochSeconds,
): ReadonlyMap<string, readonly Certificate[]> {
  const found = new Map<string, readonly Certificate[]>();
  for (const [index, { tls_downstream_client_ca: pem }] of access.routes.entries()) {
    if (pem === undefined || found.has(pem)) continue;
    const path = [...routePath(index), 'tls_downstream_client_ca'];
    const parsed = parseCertificates(pem);
    if (parsed.ok) problems.push(...problemsOfAuthorities(parsed.value, path, now));
    else problems.push({ severity: 'error', path, message: `\`tls_downstream_client_ca\`: ${parsed.error}` });
    found.set(pem, parsed.ok ? parsed.value : []);
  }
  return found;
}

function createReaders(
  rules: ClientCertificateRules,
  ofRoutes: ReadonlyMap<string, readonly Certificate[]>,
): ClientCertificates {
  const global = createCertificateReader(rules);
  const readers = new Map<string, CertificateReader>();
  for (const [pem, authorities] of ofRoutes) readers.set(pem, createCertificateReader({ ...rules, authorities }));
  return {
    factsOf: (encoded, clientCa, now) =>
      ((clientCa === undefined ? undefined : readers.get(clientCa)) ?? global).factsOf(encoded, now),
  };
}
