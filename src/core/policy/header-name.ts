/** Which request headers a policy may look at: names that a client writes for the application, and none that means something to the way there. */

import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';

/** RFC 9110 §5.6.2 token, in lower case. */
const NAME_PATTERN = /^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/;

/** SECURITY: what a client writes there looks like the word of a proxy. */
const PROXY_HEADERS = /^(x-forwarded-.*|x-envoy-.*|x-original-.*|x-real-ip|x-client-ip|true-client-ip|forwarded|via)$/;
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie']);
const OWN_PREFIX = /^x-(doorward|pomerium)-/;

/**
 * The name in lower case. `set`: headers, in lower case, that Doorward sets itself for the application, after the policy was judged: what a
 * client sends there reaches nobody.
 */
export function parseHeaderName(text: string, set: ReadonlySet<string>): Result<string, string> {
  const name = text.toLowerCase();
  if (!NAME_PATTERN.test(name)) return err(`\`${text}\` is no header name`);
  if (PROXY_HEADERS.test(name))
    return err(
      `\`${name}\` is a header by which proxies speak, and any client can write it: use \`source_ip\`, \`http_path\` or \`client_certificate\``,
    );
  if (name === 'host') return err('a route is for its host already: use `from`');
  if (CREDENTIALS.has(name)) return err(`\`${name}\` carries credentials, which are nothing to write into a policy`);
  if (set.has(name) || OWN_PREFIX.test(name))
    return err(`Doorward sets \`${name}\` itself, and what a client sends there reaches nobody`);
  return ok(name);
}
