/** `shared_signals`: defaults, secrets, and what the keys of a transmitter must be. */

import type { TransmitterConfig } from '../../core/config.ts';
import type { TreePath } from '../../core/problem.ts';
import { defaults } from './defaults.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { TransmitterFile } from './schema/signal-keys.ts';
import { readSecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';
import { listOfTexts } from './texts.ts';

/** SECURITY: no `none`, and no HMAC, whose key the two would share (RFC 8725 §3.1, §3.2). */
const ALGORITHMS: ReadonlySet<string> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]);

export async function buildSignals(file: ConfigFile, context: SecretContext): Promise<readonly TransmitterConfig[]> {
  const built: TransmitterConfig[] = [];
  for (const [name, written] of Object.entries(file.shared_signals ?? {})) {
    const path = ['shared_signals', name];
    if (built.some(({ issuer }) => issuer === written.issuer))
      context.problems.error([...path, 'issuer'], `\`${path.join('.')}.issuer\` is that of another transmitter`);
    built.push(await buildTransmitter(name, written, path, context));
  }
  return built;
}

async function buildTransmitter(
  name: string,
  { issuer, jwks_uri, audience, ...file }: TransmitterFile,
  path: TreePath,
  context: SecretContext,
): Promise<TransmitterConfig> {
  const tell = (key: string, what: string): void =>
    context.problems.error([...path, key], `\`${[...path, key].join('.')}\` ${what}`);
  if (!isAllowedUrl(jwks_uri)) tell('jwks_uri', 'must be an https URL without a password (http only to this machine)');
  const algorithms: readonly string[] =
    file.algorithms === undefined ? defaults.signal_algorithms : listOfTexts(file.algorithms);
  if (algorithms.length === 0 || !algorithms.every((algorithm) => ALGORITHMS.has(algorithm)))
    tell('algorithms', `must be a list of ${[...ALGORITHMS].join(', ')}`);
  const critical = listOfTexts(file.critical_subject_members ?? []);
  const criticalMembers = critical.length === 0 ? {} : { critical_subject_members: critical };
  const [secret] = await readSecrets(
    { parent: path, key: 'authorization', given: file.authorization, givenFiles: file.authorization_file },
    context,
  );
  const authorization = secret === undefined ? {} : { authorization: secret.value };
  return { name, issuer, jwks_uri, audience, algorithms, ...criticalMembers, ...authorization };
}

function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.[0-9]+){3}$/.test(hostname);
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopback));
}
