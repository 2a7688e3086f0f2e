/**
 * `invalid_client_certificate`: holds unless the client presented a certificate that is valid under the configured CA. Takes no data.
 * Reasons: client-certificate-required (none presented), invalid-client-certificate, valid-client-certificate.
 * Source: docs/policy-language.md "invalid_client_certificate".
 */

import { criterion, outcome } from '../criterion.ts';
import { nothing } from '../data.ts';

const required = outcome('true', 'client-certificate-required');
const invalid = outcome('true', 'invalid-client-certificate');
const valid = outcome('false', 'valid-client-certificate');

export const invalidClientCertificate = criterion({
  name: 'invalid_client_certificate',
  data: nothing,
  needs: ['certificate'],
  reads: ['certificate'],
  reasons: [required, invalid, valid].flatMap(({ reasons }) => reasons.list),
  compile: (_data, context) => {
    if (!context.hasClientCa) {
      context.differs(
        context.path,
        'no client CA is configured: under `strict` every certificate is invalid and this always holds; under `pomerium` it never does',
      );
      if (context.semantics === 'pomerium') return () => valid;
    }
    return ({ certificate }) => (certificate.valid ? valid : certificate.presented ? invalid : required);
  },
});
