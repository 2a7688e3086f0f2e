/** The keys by which client certificates are judged: `downstream_mtls`, and Pomerium's older names of its parts. */

import { Type } from 'typebox';
import type { SanType } from '../../../core/request/san.ts';
import { sanTypes } from '../../../core/request/san.ts';
import { defaults } from '../defaults.ts';
import { choice, section, text, whole } from './parts.ts';

/** One name type with its pattern. */
export type SanFile = { readonly [T in SanType]?: string };

const sanList = Type.Unsafe<readonly SanFile[]>({
  type: 'array',
  items: {
    type: 'object',
    properties: Object.fromEntries(
      sanTypes.map((type) => [
        type,
        text({ description: `A regular expression for whole names of the type \`${type}\`.` }),
      ]),
    ),
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    errorMessage: `must have exactly one key: ${sanTypes.join(', ')}`,
  },
  errorMessage: 'must be a list of names, each with one key: its type',
  description:
    'A certificate must bear one of these names: each is a type (`dns`, `email`, `ip_address`, `uri`, `user_principal_name`) with a regular expression for the whole name. Without it: any names.',
  examples: [[{ email: '.*@example[.]com' }]],
});

const ca = text({
  description:
    'The authorities whose certificates clients may present: PEM, or base64 of it. Envoy passes on the client’s certificate alone, so authorities between it and the root belong here too.',
});
const caFile = text({ description: 'A file that holds `ca`. It is read anew when it changes.' });
const crl = text({
  description:
    'Revocation lists of these authorities: PEM, or base64 of it. Of an issuer without a list nothing is revoked. Under `policy_semantics: strict` a list that is older than its `nextUpdate` refuses every certificate of its issuer.',
});
const crlFile = text({ description: 'A file that holds `crl`. It is read anew when it changes.' });

const mtls = section(
  {
    ca: Type.Optional(ca),
    ca_file: Type.Optional(caFile),
    crl: Type.Optional(crl),
    crl_file: Type.Optional(crlFile),
    enforcement: Type.Optional(
      choice(['policy_with_default_deny', 'policy', 'reject_connection'], {
        description:
          '`policy_with_default_deny`: every route refuses requests without a valid certificate (495). `policy`: only policies that say so, by `invalid_client_certificate` or `client_certificate`. `reject_connection`: nothing is answered without one, the paths of Doorward’s own included; that no connection comes about without one is for Envoy to do (`require_client_certificate`).',
        default: defaults.mtls_enforcement,
      }),
    ),
    match_subject_alt_names: Type.Optional(sanList),
    max_verify_depth: Type.Optional(
      whole(
        { description: 'Certificates above the client’s, at most. 0: no limit.', default: defaults.mtls_verify_depth },
        { minimum: 0, maximum: 100 },
      ),
    ),
  },
  {
    description:
      'Client certificates: which are valid, and what needs one. Envoy must ask for them and pass them on (`include_peer_certificate: true`). They are judged at the time of each request.',
  },
);

export const mtlsKeys = {
  downstream_mtls: Type.Optional(mtls),
  client_ca: Type.Optional(text({ description: 'Pomerium’s older name of `downstream_mtls.ca`.' })),
  client_ca_file: Type.Optional(text({ description: 'Pomerium’s older name of `downstream_mtls.ca_file`.' })),
  client_crl: Type.Optional(text({ description: 'Pomerium’s older name of `downstream_mtls.crl`.' })),
  client_crl_file: Type.Optional(text({ description: 'Pomerium’s older name of `downstream_mtls.crl_file`.' })),
} as const;

export const routeMtlsKeys = {
  tls_downstream_client_ca: Type.Optional(
    text({
      description:
        'Authorities for client certificates on this route, in place of those of `downstream_mtls`, whose other keys apply here as well: PEM, or base64 of it.',
    }),
  ),
  tls_downstream_client_ca_file: Type.Optional(
    text({ description: 'A file that holds `tls_downstream_client_ca`. It is read anew when it changes.' }),
  ),
} as const;
