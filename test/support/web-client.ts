/**
 * What a browser does without its window: cookies kept as RFC 6265bis says (prefixes checked), redirects followed, forms sent. Every
 * host name is on loopback.
 */

import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

import { CookieJar } from 'tough-cookie';

import type { Certificate } from './certificates.ts';

export type WebResponse = {
  readonly url: string;
  readonly status: number;
  /** Names lower-case; duplicates joined by `, `, but for set-cookie. */
  header(name: string): string | undefined;
  readonly setCookies: readonly string[];
  readonly text: string;
  json(): unknown;
};

export type SendOptions = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
};

const REDIRECTS_MAX = 20;
const TIMEOUT_MS = 15_000;

export const NAVIGATION: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
};

export const API: Readonly<Record<string, string>> = { accept: 'application/json' };

export const toLoopback: LookupFunction = (_host, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

const readText = async (response: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const chunk of response) parts.push(chunk as Buffer);
  return Buffer.concat(parts).toString('utf8');
};

export class WebClient {
  readonly jar = new CookieJar(undefined, { prefixSecurity: 'strict', rejectPublicSuffixes: false });
  /** Every response, in order: what the browser's network view would show. */
  readonly seen: WebResponse[] = [];
  readonly #ca: string | undefined;
  readonly #certificate: Certificate | undefined;

  constructor(options: { readonly ca?: string; readonly certificate?: Certificate } = {}) {
    this.#ca = options.ca;
    this.#certificate = options.certificate;
  }

  /** One request, cookies included; redirects are not followed. The default headers are those of a navigation. */
  async send(url: string, options: SendOptions = {}): Promise<WebResponse> {
    const { method, headers, body } = this.#prepare(options);
    const cookie = await this.jar.getCookieString(url);
    const message = await this.#exchange(url, method, cookie === '' ? headers : { cookie, ...headers }, body);
    const setCookies = message.headers['set-cookie'] ?? [];
    for (const line of setCookies) await this.jar.setCookie(line, url, { ignoreError: true });
    const text = await readText(message);
    const response: WebResponse = {
      url,
      status: message.statusCode ?? 0,
      header: (name) => {
        const value = message.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      setCookies,
      text,
      json: () => JSON.parse(text) as unknown,
    };
    this.seen.push(response);
    return response;
  }

  get(url: string, headers: SendOptions['headers'] = NAVIGATION): Promise<WebResponse> {
    return this.send(url, { headers });
  }

  /** Navigates: sends, and follows redirects until something else comes. */
  async visit(url: string, options: SendOptions = {}): Promise<WebResponse> {
    let response = await this.send(url, options);
    for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
      const location = response.header('location');
      if (response.status < 300 || response.status > 399 || location === undefined) return response;
      response = await this.send(new URL(location, response.url).href);
    }
    throw new Error(`more than ${REDIRECTS_MAX} redirects, the last to ${response.url}`);
  }

  /** Fills in the first form of a page and sends it. Hidden fields go with it. */
  submit(page: WebResponse, fields: Readonly<Record<string, string>>): Promise<WebResponse> {
    const form = parseForm(page);
    const origin = new URL(page.url).origin;
    const headers = { ...NAVIGATION, origin, 'sec-fetch-site': 'same-origin' };
    return this.visit(form.action, { method: form.method, headers, form: { ...form.fields, ...fields } });
  }

  /** The cookie of this name that would be sent to `url`. */
  async cookie(url: string, name: string): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(url);
    return cookies.find((cookie) => cookie.key === name)?.value;
  }

  #prepare({ method, headers = NAVIGATION, form, body }: SendOptions) {
    if (form === undefined) return { method: method ?? 'GET', headers, body };
    return {
      method: method ?? 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form).toString(),
    };
  }

  #exchange(
    url: string,
    method: string,
    headers: Readonly<Record<string, string | readonly string[]>>,
    body: string | undefined,
  ): Promise<IncomingMessage> {
    const options = {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      } as Record<string, string | string[]>,
      lookup: toLoopback,
      agent: false,
      timeout: TIMEOUT_MS,
      ca: this.#ca,
      cert: this.#certificate?.cert,
      key: this.#certificate?.key,
    };
    return new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? httpsRequest : httpRequest;
      const request = send(url, options, resolve);
      request.once('error', reject);
      request.once('timeout', () => request.destroy(new Error(`no answer from ${url} in time`)));
      request.end(body);
    });
  }
}

const unescapeHtml = (text: string): string =>
  text
    .replace(/&quot;|&#34;/g, '"')
    .replace(/&#39;|&#x27;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');

const attribute = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  return value === null ? undefined : unescapeHtml(value[1] ?? value[2] ?? value[3] ?? '');
};

export type Form = {
  readonly action: string;
  readonly method: string;
  /** Inputs that have a value. */
  readonly fields: Readonly<Record<string, string>>;
};

/** The first form of a page. @throws Error when there is none. */
export function parseForm(page: WebResponse): Form {
  const form = /<form[\s\S]*?<\/form>/i.exec(page.text)?.[0];
  if (form === undefined) throw new Error(`no form on ${page.url} (${page.status}): ${page.text.slice(0, 300)}`);
  const opening = /<form[^>]*>/i.exec(form)?.[0] ?? '';
  const inputs = form.match(/<(?:input|button)[^>]*>/gi) ?? [];
  const fields = inputs.flatMap((tag): [string, string][] => {
    const name = attribute(tag, 'name');
    const value = attribute(tag, 'value');
    return name === undefined || value === undefined ? [] : [[name, value]];
  });
  return {
    action: new URL(attribute(opening, 'action') ?? page.url, page.url).href,
    method: (attribute(opening, 'method') ?? 'GET').toUpperCase(),
    fields: Object.fromEntries(fields),
  };
}
