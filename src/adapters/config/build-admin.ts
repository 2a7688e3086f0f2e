/** The admin address, and what proves who asks there. SECURITY: a port is open to every local user and to every page of a browser, so a proof is demanded. */

import { stat } from 'node:fs/promises';
import { exposureOf, parseAdminTokens } from '../../core/admin-tokens.ts';
import { isOfThisMachine } from '../../core/listen-address.ts';
import { parseListenAddress } from './listen-address.ts';
import { checkCertificates, checkKeyPair } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { SecretContext } from './secrets.ts';
import type { ServerConfig } from './server-config.ts';
import { listOfTexts } from './texts.ts';

type AdminConfig = Pick<ServerConfig, 'admin_address' | 'admin_token_file' | 'admin_tls'>;

export async function buildAdmin(file: ConfigFile, context: SecretContext): Promise<AdminConfig> {
  const address = addressOf(file, context);
  checkProof(file, address, context);
  return {
    admin_address: address,
    admin_token_file: await tokenFileOf(file, context),
    admin_tls: await tlsOf(file, context),
  };
}

function addressOf({ admin_address: text }: ConfigFile, { problems }: SecretContext): AdminConfig['admin_address'] {
  if (text === undefined) return undefined;
  const parsed = parseListenAddress(text);
  if (parsed.ok && parsed.value.kind === 'tcp') return parsed.value;
  const why = parsed.ok ? 'is `host:port`; a socket is `admin_socket`' : parsed.error;
  problems.error(['admin_address'], `\`admin_address\` ${why}`);
  return undefined;
}

function checkProof(file: ConfigFile, address: AdminConfig['admin_address'], { problems }: SecretContext): void {
  const { admin_token_file: tokenFile, admin_tls: tls } = file;
  if (file.admin_address === undefined) {
    for (const key of ['admin_token_file', 'admin_tls'] as const)
      if (file[key] !== undefined && !problems.isTouched(['admin_address']))
        problems.error([key], `\`${key}\` needs \`admin_address\`: the socket is its owner's alone`);
    return;
  }
  if (problems.isTouched(['admin_token_file']) || problems.isTouched(['admin_tls'])) return;
  if (tls?.client_names !== undefined && tls.client_ca_file === undefined)
    problems.error(['admin_tls', 'client_names'], '`admin_tls.client_names` needs `client_ca_file`');
  if (address === undefined) return;
  if (tokenFile === undefined && tls?.client_ca_file === undefined)
    problems.error(
      ['admin_address'],
      '`admin_address` needs `admin_token_file`, or `admin_tls` with `client_ca_file`: any local user and any page of a browser can reach a port',
    );
  else if (!isOfThisMachine(address) && tls === undefined)
    problems.error(['admin_address'], '`admin_address` can be reached by other machines: it needs `admin_tls`');
}

async function tokenFileOf(
  { admin_token_file: file }: ConfigFile,
  context: SecretContext,
): Promise<string | undefined> {
  if (file === undefined || context.problems.isFaulty(['admin_token_file'])) return undefined;
  const tell = (what: string): void => {
    context.problems.error(['admin_token_file'], `\`admin_token_file\`: the file ${what}`);
  };
  const path = context.files.resolve(file);
  const text = await context.files.text(file);
  const tokens = text.ok ? parseAdminTokens(text.value) : text;
  if (!tokens.ok) tell(tokens.error);
  // A file that cannot be looked at cannot be read either; whoever reads it again looks again.
  const status = await stat(path).catch(() => undefined);
  const exposure = status === undefined ? undefined : exposureOf(status, process.getuid?.());
  if (tokens.ok && exposure !== undefined) tell(exposure);
  return path;
}

async function tlsOf({ admin_tls: tls }: ConfigFile, context: SecretContext): Promise<AdminConfig['admin_tls']> {
  if (tls === undefined) return undefined;
  const { certificate_file: certificate, key_file: key, client_ca_file: clientCa } = tls;
  await checkKeyPair(
    {
      certificate: { path: ['admin_tls', 'certificate_file'], file: certificate },
      key: { path: ['admin_tls', 'key_file'], file: key },
    },
    context,
  );
  if (clientCa !== undefined)
    await checkCertificates({ path: ['admin_tls', 'client_ca_file'], file: clientCa }, context);
  return {
    certificate_file: context.files.resolve(certificate),
    key_file: context.files.resolve(key),
    client_ca_file: clientCa === undefined ? undefined : context.files.resolve(clientCa),
    client_names: namesOf(tls.client_names, context),
  };
}

function namesOf(written: string | readonly string[] | undefined, { problems }: SecretContext): readonly string[] {
  const names = listOfTexts(written);
  for (const [index, name] of names.entries())
    if (!/^(?:DNS|URI|email):[\x21\x23-\x2b\x2d-\x7e]+$/.test(name))
      problems.error(
        ['admin_tls', 'client_names', ...(typeof written === 'string' ? [] : [index])],
        '`client_names` must be names of certificates such as `email:alice@example.com`, `DNS:host` or `URI:spiffe://...`',
      );
  return names;
}
