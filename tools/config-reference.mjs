/**
 * Renders the schema of doorward.yaml as a JSON Schema for editors and as docs/configuration.md. Pure: a test renders both and compares them
 * with the files; tools/write-config-reference.mjs writes the files.
 */

/** The keys of the file as a reader looks for them. Every applied key is in one of these, which `renderReference` checks. */
const CHAPTERS = [
  {
    title: 'Signing in',
    keys: [
      'idps',
      'idp_provider',
      'idp_provider_url',
      'idp_client_id',
      'idp_client_secret',
      'idp_client_secret_file',
      'idp_scopes',
      'idp_request_params',
      'auth_url',
      'authenticate_service_url',
      'signout_redirect_url',
    ],
    intro:
      'Identity providers are named in `idps`. The `idp_*` keys describe one more, whose name is `default`, as Pomerium does.',
  },
  {
    title: 'Sessions and cookies',
    keys: [
      'session_lifetime',
      'cookie_expire',
      'session_idle_timeout',
      'session_recheck_interval',
      'sessions_per_user',
      'cookie_name',
      'cookie_same_site',
      'cookie_http_only',
      'cookie_secure',
      'session_store',
      'redis',
    ],
    intro:
      'How sessions live and end is in [sessions.md](sessions.md); every way to connect to Redis, and what it has to be set to, in [redis.md](redis.md).',
  },
  {
    title: 'Secrets',
    keys: [
      'cookie_secret',
      'cookie_secret_file',
      'shared_secret',
      'shared_secret_file',
      'signing_key',
      'signing_key_file',
    ],
    intro:
      'Each is given as text, by `${ENV}` in the text, or by file. To rotate one: put the new value first and keep the old one behind it; take the old one away when what it made has ended.',
  },
  {
    title: 'Decisions',
    keys: [
      'policy_semantics',
      'identity_semantics',
      'change_windows',
      'records',
      'shared_signals',
      'groups',
      'trusted_proxies',
      'mode',
      'shadow_file',
      'bearer_token_format',
      'runtime_flags',
    ],
  },
  {
    title: 'Client certificates',
    keys: ['downstream_mtls', 'client_ca', 'client_ca_file', 'client_crl', 'client_crl_file'],
    intro:
      'Envoy must ask for certificates (`validation_context`) and pass them on (`include_peer_certificate: true`); it need not know the authorities, unless it is to reject connections.',
  },
  {
    title: 'Identity for the applications',
    keys: ['pass_identity_headers', 'assertion_header', 'jwt_claims_headers', 'jwt_groups_filter', 'jwt_issuer_format'],
  },
  {
    title: 'Streams',
    keys: ['streams'],
  },
  {
    title: 'The process',
    keys: [
      'grpc_address',
      'grpc_tls',
      'grpc_insecure',
      'ops_address',
      'admin_socket',
      'admin_address',
      'admin_token_file',
      'admin_tls',
      'workers',
      'checks_in_flight_max',
      'log_level',
      'audit',
    ],
    intro:
      'These are read at start. A reload says which of them have changed, and leaves them as they were; so does a change of `session_store` and `redis`.',
  },
];

const LISTS_OF_ROUTES = ['routes', 'policy'];

/** A JSON Schema (draft-07, which editors know best), as the text of its file. */
export function renderJsonSchema({ fileSchema }) {
  const copy = JSON.parse(JSON.stringify(fileSchema), allowVariables);
  addTitles(copy);
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...copy }, undefined, 2)}\n`;
}

/** Editors see a text before its variables are replaced, so whatever form it must have, a variable may stand for it. */
const VARIABLE = '\\$\\{[A-Za-z_]';

function allowVariables(name, schema) {
  if (name === 'propertyNames' || typeof schema !== 'object' || schema === null || schema.type !== 'string')
    return schema;
  const { pattern, enum: values, ...rest } = schema;
  if (pattern !== undefined) return { ...schema, pattern: `${pattern}|${VARIABLE}` };
  if (values === undefined) return schema;
  return { ...rest, anyOf: [{ enum: values }, { pattern: VARIABLE }] };
}

function addTitles(schema) {
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    schema.properties[key] = { title: key, ...property };
    addTitles(schema.properties[key]);
  }
  for (const inner of [schema.items, schema.additionalProperties, ...(schema.anyOf ?? [])])
    if (typeof inner === 'object') addTitles(inner);
}

/** docs/configuration.md. */
export function renderReference({
  fileSchema,
  appliedGlobalKeys,
  appliedRouteKeys,
  foreignGlobalKeys,
  foreignRouteKeys,
}) {
  const { properties } = fileSchema;
  const told = [...LISTS_OF_ROUTES, ...CHAPTERS.flatMap(({ keys }) => keys)];
  const missing = appliedGlobalKeys.filter((key) => !told.includes(key));
  const extra = told.filter((key, index) => !appliedGlobalKeys.includes(key) || told.indexOf(key) !== index);
  if (missing.length + extra.length > 0) throw new Error(`keys of no chapter: ${missing}; keys told amiss: ${extra}`);
  const route = properties.routes.items;
  return [
    '# Configuration',
    '',
    '<!-- Made from src/adapters/config/schema by tools/write-config-reference.mjs. Change it there. -->',
    '',
    INTRODUCTION,
    '## Routes',
    '',
    `\`routes\`: ${properties.routes.description}`,
    '',
    `\`policy\` (at the top of the file): ${properties.policy.description}`,
    '',
    ...appliedRouteKeys.flatMap((key) => renderKey(key, route.properties[key], route.required ?? [])),
    ...CHAPTERS.flatMap(({ title, intro, keys }) => [
      `## ${title}`,
      '',
      ...(intro === undefined ? [] : [intro, '']),
      ...keys.flatMap((key) => renderKey(key, properties[key], [])),
    ]),
    '## Keys of Pomerium that have no effect here',
    '',
    'They are accepted, so that one file can serve both; each is told once as a notice.',
    '',
    ...renderForeign(foreignGlobalKeys, foreignRouteKeys, (key) => key.fate !== 'refused', describeFate),
    '## Keys of Pomerium that are refused',
    '',
    'Without them, more would be allowed than their author meant, or applications would see another identity. Doorward does not start with them.',
    '',
    ...renderForeign(
      foreignGlobalKeys,
      foreignRouteKeys,
      (key) => key.fate === 'refused',
      (key) => key.why,
    ),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

const INTRODUCTION = `Doorward reads one YAML file. \`doorward check -c doorward.yaml\` says what is wrong with it, each problem with line and column.
Editors complete and check it by \`schema/doorward.schema.json\`: begin the file with
\`# yaml-language-server: $schema=<path or URL of the schema>\`.

- \`\${NAME}\` in a text stands for the environment variable \`NAME\`, which must be set. \`$$\` is a dollar sign. In the values of
  \`set_request_headers\`, variables are written in capitals; all else there is for the template.
- Each secret can be given by file: \`cookie_secret_file\` beside \`cookie_secret\`, and so on. A line break at its end is not part of it.
  Relative paths are meant from the folder of the configuration.
- Durations are written as \`30s\`, \`90m\`, \`14h\`, \`1h30m\`, \`500ms\`, or as a number of seconds.
- A list of texts may be written as one text with commas.
- Aliases (\`&name\`, \`*name\`) work; merge keys (\`<<\`) and tags (\`!name\`) do not. The file has at most 1 MiB; up to 16 MiB (some
  30,000 routes with five rules each) when it is plain: maps and lists in lines or brackets, texts of one line or after \`|\`, comments, and nothing
  else, so no aliases.
- A key that is unknown, or in the wrong place, is an error.
- The file, and every file that it names, is read anew on SIGHUP and when it changes. If anything is wrong with it, the old one stays.
  It is read in a thread of its own, which may take 30 seconds and 2 GiB, and is put in force whole: a request is judged by one generation,
  whose number is in its audit record. After a reload the log holds at most 100 warnings of what was compiled; \`doorward check\` lists all.
`;

function renderKey(key, schema, required) {
  return [`### \`${key}\``, '', ...renderBody(schema, required.includes(key)), ''];
}

function renderBody(schema, isRequired) {
  const facts = [
    ...(isRequired ? ['required'] : []),
    ...(schema.errorMessage === undefined ? [] : [formOf(schema.errorMessage)]),
    ...(schema.default === undefined ? [] : [`default: \`${show(schema.default)}\``]),
    ...(schema.examples === undefined
      ? []
      : [`for example ${schema.examples.map((example) => `\`${show(example)}\``).join(', ')}`]),
  ];
  const section = [schema, schema.additionalProperties, ...(schema.anyOf ?? []).map(({ items }) => items)].find(
    (inner) => inner?.properties,
  );
  return [
    schema.description,
    '',
    `*${capital(facts.join('; '))}.*`,
    ...(section === undefined ? [] : ['', ...renderSection(section, '')]),
  ];
}

const renderSection = (section, indent) =>
  Object.entries(section.properties).flatMap(([key, schema]) => {
    const isRequired = (section.required ?? []).includes(key);
    const byDefault = schema.default === undefined ? '' : ` Default: \`${show(schema.default)}\`.`;
    const inner = schema.properties === undefined ? [] : renderSection(schema, `${indent}  `);
    return [`${indent}- \`${key}\`${isRequired ? ' (required)' : ''}: ${schema.description}${byDefault}`, ...inner];
  });

/** YAML in flow style. */
function show(value) {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${show(inner)}`)
      .join(', ')} }`;
  return String(value);
}

/** The message without what makes it a sentence about a fault. */
const formOf = (message) =>
  message
    .replace(/ \(put numbers.*\)$/, '')
    .replace(/^must be (text that is not empty$)?/, (_, text) => (text === undefined ? '' : 'text'));

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const describeFate = (key) => (key.fate === 'envoy' ? 'belongs to Envoy' : key.why);

/** Keys of one fate together, the global ones first. */
function renderForeign(globals, routes, isMeant, describe) {
  const lines = [];
  for (const [title, keys] of [
    ['At the top of the file', globals],
    ['In a route', routes],
  ]) {
    const byFate = new Map();
    for (const [key, foreign] of Object.entries(keys).filter(([, foreign]) => isMeant(foreign)))
      byFate.set(describe(foreign), [...(byFate.get(describe(foreign)) ?? []), `\`${key}\``]);
    lines.push(`${title}:`, '', ...[...byFate].map(([why, names]) => `- ${names.join(', ')}: ${why}.`), '');
  }
  return lines;
}
