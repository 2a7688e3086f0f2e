/** Where the Check listener may bind. SECURITY: whoever reaches it can claim to be any peer, so nobody but Envoy may (design: a signing oracle). */

import { isOfThisMachine, type ListenAddress } from '../../core/listen-address.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** PEM files; read anew when they change. */
export type CheckTls = {
  readonly certificate_file: string;
  readonly key_file: string;
  readonly client_ca_file: string;
  /** SPIFFE IDs of the clients that may ask; empty = every client that the CA vouches for. */
  readonly spiffe_ids: readonly string[];
};

export type BindChoice = {
  readonly address: ListenAddress;
  readonly tls: CheckTls | undefined;
  readonly insecure: boolean;
};

/** The error says which setting is missing, or which two contradict each other. */
export function checkBindRules({ address, tls, insecure }: BindChoice): Result<undefined, string> {
  if (tls !== undefined && insecure) return err('grpc_insecure contradicts grpc_tls');
  if (tls !== undefined || insecure || isOfThisMachine(address)) return ok(undefined);
  return err(
    'on an address that other machines can reach, grpc_tls with a client CA is needed (or grpc_insecure: true behind a mesh that does it)',
  );
}
