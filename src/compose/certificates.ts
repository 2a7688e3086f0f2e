/** Client certificates without a configured CA: read, so that policies can look at them, and never valid. */

import { createClientCertificates } from '../adapters/x509/client-certificates.ts';

export const certificatesWithoutCa = () =>
  createClientCertificates({ authorities: [], revocationLists: [], names: {}, depthMax: 1 });
