/** Text into HTML. The only way text of a client, a provider or a configuration gets onto a page. */

/** Longest text shown in one place, UTF-16 units: Envoy bounds the body of a denied answer, and a path may have 60 KiB. */
const TEXT_LENGTH_MAX = 400;

/**
 * Controls, and the bidirectional overrides and isolates with which a text could pass for another one. Lone surrogates too: they have no
 * UTF-8.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- these are the characters that must go
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Whole text for an attribute value (a URL, a hidden field) or an element: nothing in it can end either. */
export const escapeHtml = (text: string): string =>
  text
    .replace(UNPRINTABLE, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** As `escapeHtml`, cut to what a reader needs. */
export function escapeShown(text: string): string {
  return escapeHtml(text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}…`);
}
