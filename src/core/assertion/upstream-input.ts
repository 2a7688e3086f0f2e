/** UpstreamInput: what is at hand when an allowed request is made ready for the upstream. */

import type { AccessConfig } from '../config.ts';
import type { CertificateFacts, Subject } from '../policy/facts.ts';
import type { AssertionSigner, Entropy } from '../ports.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { Route } from '../route/route.ts';
import type { Session } from '../session/session.ts';
import type { EpochSeconds } from '../units.ts';
import type { AssertionCache } from './assertion-cache.ts';

export type UpstreamInput = {
  readonly request: Pick<AccessRequest, 'headers' | 'hasRawHeaders'>;
  readonly route: Route;
  /** Canonical. */
  readonly host: string;
  /** Both or neither; undefined = anonymous. */
  readonly session: Session | undefined;
  readonly subject: Subject | undefined;
  readonly config: AccessConfig;
  readonly now: EpochSeconds;
  readonly assertions: AssertionCache;
  readonly signer: AssertionSigner;
  readonly entropy: Entropy;
  /** Asked only where a template refers to it. */
  certificate(): CertificateFacts;
};
