/** `records`: the shape of the sources of facts; `groups`: where the groups of users come from. */

import { Type } from 'typebox';
import { foreignKeys } from '../../../core/policy/records.ts';
import { defaults } from '../defaults.ts';
import { choice, duration, headerMap, section, text, textList, textMap, whole } from './parts.ts';

const MIB = 1024 * 1024;

const source = section(
  {
    file: Type.Optional(
      text({
        description:
          'A file, by absolute path or from the folder of the configuration. It is read each `interval`, and taken over when it has stopped changing. One of `file` and `url` is needed.',
      }),
    ),
    url: Type.Optional(
      text({
        description:
          'Asked by GET each `interval`, with ETag or Last-Modified where the source gives them. https, or http to this machine. Redirects are not followed.',
        examples: ['https://hr.example.com/people.json'],
      }),
    ),
    headers: Type.Optional(headerMap({ description: 'Request headers for `url`. Put secrets into the environment: `Bearer ${HR_KEY}`.' })),
    header_files: Type.Optional(
      textMap({ description: 'Request headers for `url` whose values stand in files, which are read anew when they change.' }),
    ),
    ca_file: Type.Optional(
      text({ description: 'The authorities (PEM) for `url`, in place of those of the system. It is read anew when it changes.' }),
    ),
    format: Type.Optional(
      choice(['json', 'csv'], {
        description:
          '`json`: a list of objects, in which none has a name twice. `csv`: commas, quotes as in RFC 4180, the first line names the columns; every value is a text. Without it: by the end of the name, else `json`.',
      }),
    ),
    key: Type.Optional(
      text({
        description:
          'The field or column by which a row is found. A row without it, or one that two rows have, and the new data is not taken over.',
        default: defaults.record_key,
      }),
    ),
    foreign_key: Type.Optional(
      choice(foreignKeys, {
        description:
          'What `key` holds: the user’s id (`sub`), the e-mail address, the client’s address or network (the smallest that holds it counts), or the SHA-256 fingerprint of the client certificate.',
        default: defaults.record_foreign_key,
      }),
    ),
    interval: Type.Optional(
      duration({ description: 'How often the source is asked, give or take a tenth.', default: defaults.record_interval }),
    ),
    timeout: Type.Optional(duration({ description: 'One answer of `url`, whole.', default: defaults.record_timeout })),
    max_bytes: Type.Optional(
      whole(
        { description: 'Larger data is not taken over.', default: defaults.record_max_bytes },
        { minimum: 1, maximum: 16 * MIB },
      ),
    ),
    max_rows: Type.Optional(
      whole(
        { description: 'Data with more rows is not taken over.', default: defaults.record_max_rows },
        { minimum: 1, maximum: 1_000_000 },
      ),
    ),
    max_age: Type.Optional(
      duration({
        description:
          'So long after the source was last asked with success its data counts. Beyond it every criterion that reads it fails: it opens nothing.',
        default: defaults.record_max_age,
      }),
    ),
  },
  { description: 'A source.' },
);

export const recordKeys = {
  records: Type.Optional(
    Type.Unsafe<{ readonly [name: string]: RecordSourceFile }>({
      type: 'object',
      propertyNames: {
        pattern: '^[A-Za-z0-9_.-]{1,64}$',
        errorMessage: 'must have names of letters, digits and `_-.` as keys',
      },
      additionalProperties: source,
      errorMessage: 'must be a map of names to sources',
      description:
        'Sources of facts about users, addresses and certificates, by name, for the criterion `record` of policies and for `groups`. Doorward starts without them: what reads a source that was never read opens nothing.',
      examples: [{ hr: { url: 'https://hr.example.com/people.json', foreign_key: 'user.email', key: 'email' } }],
    }),
  ),
  groups: Type.Optional(
    section(
      {
        claims: Type.Optional(textList({ description: 'Claims whose values are groups, all of them together.' })),
        source: Type.Optional(text({ description: 'One of `records`, with a row for each user. In place of `claims`.' })),
        field: Type.Optional(
          text({
            description:
              'The field of the row: a list of ids and names, or of objects with `id` and `name`; a text is split at semicolons.',
            default: defaults.groups_field,
          }),
        ),
      },
      {
        description:
          'Where the groups of users come from, for policies and for applications; a user is in a group by its id or by its name. Without it: the claim `groups`.',
        examples: [{ source: 'directory', field: 'groups' }, { claims: ['groups', 'roles'] }],
      },
    ),
  ),
} as const;

export type RecordSourceFile = {
  readonly file?: string;
  readonly url?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly header_files?: { readonly [name: string]: string };
  readonly ca_file?: string;
  readonly format?: 'json' | 'csv';
  readonly key?: string;
  readonly foreign_key?: (typeof foreignKeys)[number];
  readonly interval?: string | number;
  readonly timeout?: string | number;
  readonly max_bytes?: number;
  readonly max_rows?: number;
  readonly max_age?: string | number;
};
