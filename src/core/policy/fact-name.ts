/** FactName: what a criterion reads, by name. A record of a Check holds these, and from them it can be judged again. */

/**
 * `anything`: whatever there may be; for criteria that cannot say it more exactly. Facts of the subject are only read where there is one.
 * The time, and of the request method, host and path, are always known and are not named here.
 */
export type FactName =
  | 'anything'
  | 'source_ip'
  | 'certificate'
  | 'mcp'
  | 'ssh'
  | 'device'
  | 'user'
  | 'email'
  | 'groups'
  | 'auth_time'
  | 'acr'
  | 'risk'
  | `claim/${string}`
  | `header/${string}`
  | `query/${string}`
  | `label/${string}`
  | `record/${string}`;

const ofSubject: ReadonlySet<string> = new Set(['user', 'email', 'groups', 'auth_time', 'acr', 'device', 'risk']);

/** Whether it is a fact about who asks: without identity there is none, and that is known. */
export const isOfSubject = (name: FactName): boolean => ofSubject.has(name) || name.startsWith('claim/');
