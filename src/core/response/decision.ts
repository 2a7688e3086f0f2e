/** Decision: what is to be done with one request. A value; nothing has happened yet. Turned into an Outcome by render (core/response). */

import type { RefusalCode } from './refusal-codes.ts';

/** An HTTP answer from Doorward itself. Goes out as a denied_response with a nonzero status code, whatever its HTTP status. */
export type OwnResponse = {
  readonly status: number;
  /** In order; `set-cookie` may repeat, all else is once. Names lower-case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

/** What the upstream is to get on an allow. Names lower-case; each `set` overwrites every copy that the client sent. */
export type UpstreamChanges = {
  readonly set: readonly (readonly [name: string, value: string])[];
  /** Names that are not in `set`. */
  readonly remove: readonly string[];
  /** `Set-Cookie` values for the client's response. */
  readonly setCookies: readonly string[];
};

/** The one thing that becomes a CheckResponse. */
export type Outcome =
  | {
      readonly kind: 'allow';
      readonly upstream: UpstreamChanges;
      /** Sealed; what Envoy brings back to have the stream held (core/streams/ticket.ts). */
      readonly ticket?: string;
    }
  | { readonly kind: 'answer'; readonly response: OwnResponse; readonly code: RefusalCode };
