/** The forms in which endpoints answer: redirect, page, JSON, refusal. */

import type { Logger } from '../core/ports.ts';
import type { OwnResponse } from '../core/response/decision.ts';
import { ownHeaders } from '../core/response/own-headers.ts';
import { renderPage, type Page } from '../core/response/page.ts';
import { refusalCodes, type RefusalCode } from '../core/response/refusal-codes.ts';
import { renderRefusal } from '../core/response/render-refusal.ts';
import type { EndpointAnswer, EndpointContext } from './endpoint.ts';

type Header = readonly [name: string, value: string];

export const setCookieHeaders = (cookies: readonly string[]): readonly Header[] =>
  cookies.map((cookie) => ['set-cookie', cookie]);

const withHeaders = (response: OwnResponse, headers: readonly Header[]): OwnResponse => ({
  ...response,
  headers: [...response.headers, ...headers],
});

/** 302, or 303 after a POST. `location` is made from the configuration or by an identity provider's adapter, never from a client's text. */
export const redirect = (
  location: string,
  cookies: readonly string[] = [],
  status: 302 | 303 = 302,
): EndpointAnswer => ({
  code: 'own-response',
  response: {
    status,
    headers: [...ownHeaders('text/plain; charset=utf-8'), ['location', location], ...setCookieHeaders(cookies)],
    body: '',
  },
});

/** A page; `code` other than `own-response` makes it a refusal, with that code's status. */
export const pageAnswer = (
  page: Page,
  options: {
    readonly code?: RefusalCode;
    readonly detail?: string;
    readonly cookies?: readonly string[];
    readonly headers?: readonly Header[];
  } = {},
): EndpointAnswer => {
  const code = options.code ?? 'own-response';
  return {
    code,
    response: withHeaders(renderPage(page, refusalCodes[code].httpStatus), [
      ...(options.headers ?? []),
      ...setCookieHeaders(options.cookies ?? []),
    ]),
    ...(options.detail === undefined ? {} : { detail: options.detail }),
  };
};

/** `headers` take the place of those of the same name that every answer has; `code` gives the status. */
export function jsonAnswer(
  json: string,
  options: { readonly code?: RefusalCode; readonly detail?: string; readonly headers?: readonly Header[] } = {},
): EndpointAnswer {
  const { code = 'own-response', detail, headers = [] } = options;
  const replaced = new Set(headers.map(([name]) => name));
  const common = ownHeaders('application/json').filter(([name]) => !replaced.has(name));
  return {
    code,
    response: { status: refusalCodes[code].httpStatus, headers: [...common, ...headers], body: json },
    ...(detail === undefined ? {} : { detail }),
  };
}

/** A refusal in whatever form the client reads. `detail` is for audit, log and page; never client text. */
export const refusal = (
  context: EndpointContext,
  code: RefusalCode,
  detail: string,
  headers: readonly Header[] = [],
): EndpointAnswer => ({
  code,
  detail,
  response: withHeaders(
    renderRefusal({
      request: context.request,
      requestId: context.requestId,
      code,
      findings: undefined,
      detail,
      now: context.now,
    }),
    headers,
  ),
});

/** Runs what may fail without changing the answer; the failure is told to the log. */
export async function bestEffort<T>(run: () => Promise<T>, what: string, logger: Logger): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    logger.warn({ error }, what);
    return undefined;
  }
}
