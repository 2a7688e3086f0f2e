/** Who a client of the Check listener is, by the names in its certificate (which TLS has verified). */

/**
 * The one URI name of a certificate, from its subject alternative names as node:crypto prints them; undefined when there is none or more than one.
 * An X.509 SVID has exactly one (SPIFFE X509-SVID §2). Names that need quoting are of no SPIFFE ID, and could be built to look like two.
 */
export function soleUriName(subjectAltName: string | undefined): string | undefined {
  if (subjectAltName === undefined || subjectAltName.includes('"')) return undefined;
  const uris = subjectAltName
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
  return uris.length === 1 ? uris[0] : undefined;
}

/** An empty list allows every certificate of the client CA. */
export const isListedClient = (subjectAltName: string | undefined, spiffeIds: readonly string[]): boolean => {
  if (spiffeIds.length === 0) return true;
  const uri = soleUriName(subjectAltName);
  return uri !== undefined && spiffeIds.includes(uri);
};
