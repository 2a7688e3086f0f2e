/** `downstream_mtls` and the authorities of routes: texts and files as PEM. What they hold is judged by who compiles them. */

import type { DownstreamMtlsConfig } from '../../core/config.ts';
import type { TreePath } from '../../core/problem.ts';
import { sanTypes, type SanPattern } from '../../core/request/san.ts';
import { defaults } from './defaults.ts';
import { pemTextOf } from './pem-files.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import type { SanFile } from './schema/mtls-keys.ts';
import { readSecrets, type SecretContext } from './secrets.ts';

/** Undefined where the file has none of the keys. */
export async function buildMtls(file: ConfigFile, context: SecretContext): Promise<DownstreamMtlsConfig | undefined> {
  const { downstream_mtls: mtls, client_ca, client_ca_file, client_crl, client_crl_file } = file;
  const has = [mtls, client_ca, client_ca_file, client_crl, client_crl_file].some((given) => given !== undefined);
  if (!has) return undefined;
  const ca = await oneOfNames(
    { key: 'ca', given: mtls?.ca, givenFile: mtls?.ca_file },
    { key: 'client_ca', given: client_ca, givenFile: client_ca_file },
    context,
  );
  const crl = await oneOfNames(
    { key: 'crl', given: mtls?.crl, givenFile: mtls?.crl_file },
    { key: 'client_crl', given: client_crl, givenFile: client_crl_file },
    context,
  );
  const hasRouteCa = [...(file.policy ?? []), ...(file.routes ?? [])].some(
    (route) => (route.tls_downstream_client_ca ?? route.tls_downstream_client_ca_file) !== undefined,
  );
  const isTouched = ['client_ca', 'client_ca_file', 'downstream_mtls'].some((key) => context.problems.isTouched([key]));
  if (ca === undefined && !hasRouteCa && !isTouched && !context.problems.hasErrors)
    context.problems.error(
      [mtls === undefined ? (client_crl === undefined ? 'client_crl_file' : 'client_crl') : 'downstream_mtls'],
      'no certificate authority is given, so no client could be let in nor refused: set `ca` or `ca_file`',
    );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    enforcement: mtls?.enforcement ?? defaults.mtls_enforcement,
    match_subject_alt_names: (mtls?.match_subject_alt_names ?? []).flatMap(patternsOf),
    max_verify_depth: mtls?.max_verify_depth ?? defaults.mtls_verify_depth,
  };
}

/** One for each item, whose form is checked: it has exactly one key. */
const patternsOf = (item: SanFile): readonly SanPattern[] =>
  sanTypes.flatMap((type) => {
    const pattern = item[type];
    return pattern === undefined ? [] : [{ type, pattern }];
  });

type Named = { readonly key: string; readonly given: string | undefined; readonly givenFile: string | undefined };

/** The text of a key of `downstream_mtls`, or of its older name at the top of the file; not both. */
async function oneOfNames(name: Named, older: Named, context: SecretContext): Promise<string | undefined> {
  const isOlder = (older.given ?? older.givenFile) !== undefined;
  if (isOlder && (name.given ?? name.givenFile) !== undefined) {
    const key = older.given === undefined ? `${older.key}_file` : older.key;
    context.problems.error(
      [key],
      `\`${key}\` is another name of \`downstream_mtls.${name.key}\`, which is given as well`,
    );
  }
  return isOlder ? readPem([], older, context) : readPem(['downstream_mtls'], name, context);
}

/** Text of `key`, or of the file of `key_file`, as PEM; undefined where there is neither, or it cannot be read (which is told). */
export async function readPem(
  parent: TreePath,
  { key, given, givenFile }: Named,
  context: SecretContext,
): Promise<string | undefined> {
  const [first] = await readSecrets({ parent, key, given, givenFiles: givenFile }, context);
  return first === undefined ? undefined : pemTextOf(first.value);
}
