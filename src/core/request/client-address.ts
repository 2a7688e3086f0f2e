/** The client's address: Envoy's peer, or what trusted proxies say in X-Forwarded-For. */

/** A CIDR, parsed once at load. */
export type AddressRange = {
  readonly text: string;
  contains(address: string): boolean;
};
