/** The decoded facts of one CheckRequest, exactly as Envoy attests them. Nothing here has been canonicalised or believed yet. */

/** Header lines. Implementations read lazily; asking for a header that no policy needs must cost nothing. */
export interface HeaderLines {
  /**
   * The values of a header, in order of arrival. `name` is lower-case. With `encode_raw_headers` each line comes apart; without
   * it Envoy joined duplicates with a comma, and they are one line. Bytes that are not UTF-8 appear as U+FFFD.
   */
  lines(name: string): readonly string[];
  /** The distinct names present, lower-case, pseudo headers (`:path`) included. */
  names(): readonly string[];
}

export type RequestBody = {
  readonly bytes: Uint8Array;
  /** From `x-envoy-auth-partial-body`, which Envoy overwrites: only the beginning of the body was sent. */
  readonly partial: boolean;
  /** The body arrived as a protobuf string, in which Envoy has replaced bytes that are not UTF-8 by `!`. */
  readonly asString: boolean;
};

/** `envoy/service/auth/v3/attribute_context.proto`, the fields that Doorward reads. */
export type AccessRequest = {
  /** False for a network-level Check (TCP ext_authz), which has no `attributes.request.http`. */
  readonly isHttp: boolean;
  readonly method: string;
  readonly scheme: string;
  /** `:authority` as sent, with port and in the client's case. */
  readonly authority: string;
  /** `:path` as forwarded: raw, with query. Empty for CONNECT. */
  readonly path: string;
  /** `HTTP/1.1`, `HTTP/2`, ... */
  readonly protocol: string;
  readonly headers: HeaderLines;
  /** True when headers came as `header_map`: duplicates are apart and bytes are the client's. */
  readonly hasRawHeaders: boolean;
  /** The direct peer of Envoy. `address` is empty where Envoy sent none (a pipe). */
  readonly source: {
    readonly address: string;
    readonly port: number;
    /** Display only: Envoy fills it also from certificates that nobody validated. */
    readonly principal: string;
    /** URL-encoded PEM of the peer's leaf; empty without `include_peer_certificate` or without a certificate. */
    readonly certificate: string;
  };
  readonly body: RequestBody | undefined;
  /** `context_extensions[key]` of the Envoy route: set by whoever configured Envoy, never by the client. */
  contextExtension(key: string): string | undefined;
  /** What it was decoded from, a character for each byte, and can be decoded from again; absent where it was not decoded. */
  encoded?(): string;
};
