/** `shared_signals`: who may push security events. */

import { Type } from 'typebox';
import { defaults } from '../defaults.ts';
import { section, text, textList } from './parts.ts';

const transmitter = section(
  {
    issuer: text({ description: 'The issuer of its events, exactly as in `iss`.', examples: ['https://idp.example.com'] }),
    jwks_uri: text({
      description: 'Where its keys are: an https URL (http to this machine). Keys come from nowhere else.',
      examples: ['https://idp.example.com/jwks'],
    }),
    audience: text({
      description: 'The audience of its events, exactly as in `aud`.',
      examples: ['https://app.example.com/.doorward/events'],
    }),
    algorithms: Type.Optional(
      textList({ description: 'The algorithms of its signatures; asymmetric ones only.', default: [...defaults.signal_algorithms] }),
    ),
    critical_subject_members: Type.Optional(
      textList({
        description:
          'Members of a complex subject that must not be passed over, as `critical_subject_members` of its metadata says. An event whose subject has one of them that Doorward does not understand (any but `user`, `session`, `device`) is taken, and does nothing.',
        default: [],
      }),
    ),
    authorization: Type.Optional(
      text({ description: 'The whole value of the `Authorization` header that was agreed on when the stream was made, e.g. `Bearer ${SSF_KEY}`.' }),
    ),
    authorization_file: Type.Optional(text({ description: 'A file that holds it.' })),
  },
  { description: 'A transmitter.' },
);

export const signalKeys = {
  shared_signals: Type.Optional(
    Type.Unsafe<{ readonly [name: string]: TransmitterFile }>({
      type: 'object',
      propertyNames: {
        pattern: '^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$',
        errorMessage: 'must have names of lower-case letters, digits, `-` and `_` as keys',
      },
      additionalProperties: transmitter,
      errorMessage: 'must be a map of names to transmitters',
      description:
        'Who may push security events (RFC 8935, CAEP) to `/.doorward/events`, by name: `session-revoked`, `token-claims-change`, and `credential-change` where a credential was revoked or deleted, end all sessions of their user; `risk-level-change`, `device-compliance-change` and `assurance-level-change` are kept for the criterion `risk`.',
    }),
  ),
} as const;

export type TransmitterFile = {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly audience: string;
  readonly algorithms?: string | readonly string[];
  readonly critical_subject_members?: string | readonly string[];
  readonly authorization?: string;
  readonly authorization_file?: string;
};
