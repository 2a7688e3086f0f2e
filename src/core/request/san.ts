/** Names of a certificate (subject alternative names, RFC 5280 §4.2.1.6) as a configuration speaks of them. */

export const sanTypes = ['dns', 'email', 'ip_address', 'uri', 'user_principal_name'] as const;
export type SanType = (typeof sanTypes)[number];

/** `pattern`: a regular expression for whole names of that type. */
export type SanPattern = { readonly type: SanType; readonly pattern: string };
