/** What one of Doorward's own endpoints is given and gives back. Endpoints are the only part of a Check that may wait for others. */

import type { Generation } from '../core/generation.ts';
import type {
  AssertionSigner,
  Clock,
  Entropy,
  Eventually,
  IdentityProvider,
  Logger,
  OnceRegistry,
  SignedMessages,
  Sealer,
  SessionStore,
  UserFacts,
} from '../core/ports.ts';
import type { AccessRequest } from '../core/request/access-request.ts';
import type { CanonicalTarget } from '../core/request/target.ts';
import type { OwnResponse } from '../core/response/decision.ts';
import type { RefusalCode } from '../core/response/refusal-codes.ts';
import type { Route } from '../core/route/route.ts';
import type { Session } from '../core/session/session.ts';
import type { EpochSeconds, SessionHandle } from '../core/units.ts';

export type EndpointContext = {
  readonly request: AccessRequest;
  readonly target: CanonicalTarget;
  /**
   * Origin for URLs that lead back to this host, e.g. `https://grafana.example.com:8443`: scheme and port from the `from` of a route
   * of this host (or from auth_url), the host canonical; never from a header.
   */
  readonly origin: string;
  readonly generation: Generation;
  /** The session that this request's cookie names, whatever became of it: over, gone, or not to be read. */
  readonly presented: SessionHandle | undefined;
  /** The session that this request's cookie opened, if it is live. */
  readonly session: Session | undefined;
  /** The route that asked for a login (challenge), or one of this host; undefined on a host that only auth_url names. */
  readonly route: Route | undefined;
  readonly now: EpochSeconds;
  readonly requestId: string;
};

export type EndpointPorts = {
  readonly sessions: SessionStore;
  readonly once: OnceRegistry;
  readonly facts: UserFacts;
  /** In configured order. */
  readonly idps: readonly IdentityProvider[];
  readonly messages: SignedMessages;
  readonly sealer: Sealer;
  readonly signer: AssertionSigner;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type EndpointAnswer = {
  readonly response: OwnResponse;
  /** `own-response` unless it is a refusal. */
  readonly code: RefusalCode;
  /** For audit and log, in words; never client text. */
  readonly detail?: string;
  /** The session made or ended by this answer, for audit. */
  readonly session?: Session;
};

/** May throw DependencyError; the caller answers 503 and audits. */
export type Endpoint = (context: EndpointContext, ports: EndpointPorts) => Eventually<EndpointAnswer>;
