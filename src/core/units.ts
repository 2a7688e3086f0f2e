/** Brands for the ids and units that must not be mixed up. They cost nothing at run time. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Seconds since 1970-01-01T00:00:00Z; may carry a fraction. */
export type EpochSeconds = Brand<number, 'EpochSeconds'>;
/** base64url of SHA-256 of the session id (43 characters). Names a session in stores, logs and the admin API; opens nothing. */
export type SessionHandle = Brand<string, 'SessionHandle'>;
/** The name of a route: its `id`, or one made from its `from` and path. */
export type RouteId = Brand<string, 'RouteId'>;
/** The `idps:` name of an identity provider; `default` for the one given by the `idp_*` keys. */
export type IdpName = Brand<string, 'IdpName'>;

export const epochSeconds = (value: number): EpochSeconds => value as EpochSeconds;
export const routeId = (value: string): RouteId => value as RouteId;
export const idpName = (value: string): IdpName => value as IdpName;
export const sessionHandle = (value: string): SessionHandle => value as SessionHandle;
