/** What a policy may look at. Built by gatherFacts (src/core/facts.ts) for a Check, and by the vector and policy tests for tables. */

import type { Claims } from '../session/session.ts';
import type { RecordSnapshots } from './record-snapshot.ts';
import type { RiskLevel } from '../signals/user-fact.ts';
import type { EpochSeconds } from '../units.ts';

export type HttpFacts = {
  readonly method: string;
  /** Lower-case, without port. */
  readonly hostname: string;
  /** Canonical, percent-decoded once, without query: what `http_path` matches. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  /** The lines of a request header; `name` is lower-case. U+FFFD stands for bytes that are not UTF-8. */
  header(name: string): readonly string[];
};

/** On whose behalf the request is made. Absent = anonymous. */
export type Subject = {
  readonly kind: 'human' | 'service' | 'workload' | 'agent';
  /** `sub` at the issuer (`user` criterion). */
  readonly userId: string;
  readonly issuer: string;
  /** The directory's e-mail address, else the provider's, else ''. */
  readonly email: string;
  readonly name: string;
  /** Group ids and names; undefined when nothing says anything about this user's groups. */
  readonly groups: readonly string[] | undefined;
  /** What would say the groups is too old or was never read: then they are neither some nor none. */
  readonly groupsUnknown?: true;
  readonly sessionClaims: Claims;
  /** Win over sessionClaims in the `claim` criterion. */
  readonly userClaims: Claims;
  readonly authTime: EpochSeconds | undefined;
  readonly acr: string | undefined;
  /** RFC 8693 `act` chain, the immediate actor first; empty = acting for oneself. */
  readonly actors: readonly string[];
};

export type CertificateFacts = {
  /** Whether the client presented one at all. */
  readonly presented: boolean;
  /** Whether it was validated against a configured CA at `now`; false where none is configured (PolicySource.hasClientCa). */
  readonly valid: boolean;
  readonly leaf:
    | {
        /** Lower-case hex SHA-256 of the DER. */
        readonly fingerprint: string;
        /** Standard base64 SHA-256 of the SubjectPublicKeyInfo. */
        readonly spkiHash: string;
        readonly sanEmail: readonly string[];
        readonly sanDns: readonly string[];
        readonly sanUri: readonly string[];
      }
    | undefined;
};

export type McpFacts = {
  /** JSON-RPC method; empty when there is no request to read: made by parseMcpMessage. */
  readonly method: string;
  /** What `tools/call` names; undefined for other methods, and where it names nothing. */
  readonly tool: string | undefined;
  /** False when the body is absent, partial, no message, or could be read in more than one way. True for GET and DELETE without a body. */
  readonly readable: boolean;
};

export type SshFacts = {
  readonly username: string;
  /** Wire form. */
  readonly publicKey: Uint8Array;
};

export type DeviceFacts = {
  /** By device type (`any`, `enclave_only`): the first credential of that type. `enrolled`: there is a record of its enrolment. */
  readonly byType: ReadonlyMap<
    string,
    { readonly credentialId: string; readonly enrolled: boolean; readonly approved: boolean }
  >;
};

/** What transmitters of security events said of the subject. */
export type RiskFacts = {
  /** The highest of all that is known; `low` where nothing is. */
  readonly level: RiskLevel;
  /** Whether somebody said how risky the subject is; else `level` is only what is known besides. */
  readonly isSaid: boolean;
};

export type PolicyFacts = {
  readonly now: EpochSeconds;
  readonly http: HttpFacts | undefined;
  /** The judged client address, canonical text; '' when unknown. */
  readonly sourceIp: string;
  readonly subject: Subject | undefined;
  readonly certificate: CertificateFacts;
  readonly mcp: McpFacts | undefined;
  readonly ssh: SshFacts | undefined;
  readonly device: DeviceFacts | undefined;
  /** Labels of the target (`label/<key>`): the route's. */
  readonly labels: ReadonlyMap<string, string>;
  /** Asked only where the policy needs it; undefined = nothing was said. */
  readonly risk?: RiskFacts;
  /** Of each source of records what it said last; undefined = there are no sources. */
  readonly records?: RecordSnapshots;
};
