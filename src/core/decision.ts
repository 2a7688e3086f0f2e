/** Decision: what is to be done with one request, and everything that was found on the way to it. A value: nothing has happened yet. */

import type { ClientAddress } from './request/client-address.ts';
import type { CanonicalTarget } from './request/target.ts';
import type { RefusalCode } from './response/refusal-codes.ts';
import type { Route } from './route/route.ts';
import type { FoundSession } from './session/found-session.ts';
import type { Session } from './session/session.ts';
import type { PolicyFacts } from './policy/facts.ts';
import type { StepUp } from './policy/step-up.ts';
import type { Verdict } from './policy/verdict.ts';
import type { SessionHandle } from './units.ts';

/** What is known of a request when its Decision falls; audit and answers are made from it. */
export type Findings = {
  readonly target: CanonicalTarget | undefined;
  readonly client: ClientAddress;
  readonly route: Route | undefined;
  /** What Envoy's route names as the route (`context_extensions`); undefined = host and path choose it. */
  readonly pinned: string | undefined;
  /** The session that the request's cookie names, whatever became of it. */
  readonly presented: SessionHandle | undefined;
  /** That session, if it is live here. */
  readonly session: Session | undefined;
  /** What is known of it beyond this route. */
  readonly found: FoundSession;
  /** What the policy looked at, and what it said. */
  readonly facts: PolicyFacts | undefined;
  readonly verdict: Verdict | undefined;
};

export type Decision<OwnPath> =
  | {
      readonly kind: 'allow';
      readonly findings: Findings & { readonly target: CanonicalTarget; readonly route: Route };
    }
  | { readonly kind: 'refuse'; readonly findings: Findings; readonly code: RefusalCode; readonly detail?: string }
  /** Nobody is signed in, or not as is asked for, and the client can follow a redirect: begin a login. */
  | {
      readonly kind: 'challenge';
      /** What the login must show beyond who it is. */
      readonly stepUp?: StepUp;
      readonly findings: Findings & { readonly target: CanonicalTarget; readonly route: Route };
    }
  /** One of Doorward's own paths. */
  | {
      readonly kind: 'own';
      readonly findings: Findings & { readonly target: CanonicalTarget };
      readonly path: OwnPath;
      readonly origin: string;
    };

/** What `check` must be told before it can decide. */
export type Needs = SessionNeed | FactsNeed;

export type SessionNeed = {
  readonly kind: 'needs';
  readonly needs: 'session';
  readonly session: SessionHandle;
  /** The decision does not rest on it: where it cannot be known, the request goes on as anonymous. */
  readonly optional: boolean;
  /** A record that cannot be read counts as none, where one signs in anew or out. */
  readonly unreadableIsNone: boolean;
  /** What is at hand looks unused for too long: as it is stored now, another process may have seen it used. */
  readonly anew: boolean;
  /** What is known so far, for the audit of a Check that ends here. */
  readonly findings: Findings;
};

/** What was said of who has this session; asked where the policy looks at it. */
export type FactsNeed = {
  readonly kind: 'needs';
  readonly needs: 'facts';
  readonly of: Session;
  readonly findings: Findings;
};
