import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Page } from '../../../src/core/response/page.ts';
import { renderPage } from '../../../src/core/response/page.ts';

const aPage = (change: Partial<Page> = {}): Page => ({
  title: 'No access · grafana.example.com',
  heading: ['Bob, this page is for the group ', { strong: 'sre' }],
  paragraphs: [
    { text: ['You are signed in as ', { strong: 'bob@example.com' }, '.'] },
    { text: ['Ask the owner of this page.'], quiet: true },
  ],
  actions: [
    { kind: 'link', href: '/.doorward/', label: 'My access' },
    { kind: 'form', action: '/.doorward/sign_out', label: 'Sign out', fields: [['token', 'a+b/c=']] },
  ],
  facts: [['Request', '7f3b0c52']],
  ...change,
});

const header = (page: Page, name: string): string | undefined =>
  renderPage(page).headers.find(([key]) => key === name)?.[1];

/** Each attribute value and each text of the page must survive this: the only tags are the renderer's own. */
const TAGS_OF_OURS =
  /<(?:!doctype html|html lang="en"|head|meta [a-z]+="[^"]*"(?: content="[^"]*")?|title|style|body|main|h1|em|strong|p|p class="quiet"|div class="actions"|a(?: class="first")? href="[^"]*"|form method="post" action="[^"]*"|input type="hidden" name="[^"]*" value="[^"]*"|button(?: class="first")? type="submit"|dl|dt|dd|\/[a-z0-9]+)>/g;

describe('a page', () => {
  test('says the plain words first and the facts last', () => {
    const { body, status } = renderPage(aPage());
    expect(status).toBe(200);
    expect(body).toContain('<h1>Bob, this page is for the group <em>sre</em></h1>');
    expect(body).toContain('<p>You are signed in as <strong>bob@example.com</strong>.</p>');
    expect(body).toContain('<p class="quiet">Ask the owner of this page.</p>');
    expect(body).toContain('<a class="first" href="/.doorward/">My access</a>');
    expect(body).toContain('<input type="hidden" name="token" value="a+b/c="><button type="submit">Sign out</button>');
    expect(body).toContain('<dt>Request</dt><dd>7f3b0c52</dd>');
    expect(body.indexOf('<h1>')).toBeLessThan(body.indexOf('<dl>'));
  });

  test('names its language, scales on phones and asks not to be indexed', () => {
    const { body } = renderPage(aPage());
    expect(body.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(body).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(body).toContain('<meta name="robots" content="noindex">');
    expect(body).toContain('<title>No access · grafana.example.com</title>');
    expect(body).toContain('prefers-color-scheme: dark');
    expect(body).toContain(':focus-visible');
  });

  test('draws no empty list where it has no actions or facts', () => {
    const { body } = renderPage(aPage({ actions: [], facts: [] }));
    expect(body).not.toContain('<dl>');
    expect(body).not.toContain('class="actions"');
  });

  test('goes out with the status it is given and is never stored, framed, sniffed or referred from', () => {
    expect(renderPage(aPage(), 403).status).toBe(403);
    expect(Object.fromEntries(renderPage(aPage()).headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'x-doorward-response': 'true',
    });
  });

  test('allows its own style by hash and nothing else', () => {
    const style = /<style>([^<]*)<\/style>/.exec(renderPage(aPage()).body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(header(aPage(), 'content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    );
  });

  test('lets no form act where it has none', () => {
    expect(
      header(aPage({ actions: [], formTargets: ['https://idp.example.com'] }), 'content-security-policy'),
    ).toContain("form-action 'none';");
  });

  test.each([
    ['https://idp.example.com', true],
    ['http://localhost:9000', true],
    ['https://[::1]:9000', true],
    ['https:', true],
    ['https://idp.example.com/path', false],
    ['https://a; script-src *', false],
    ['https://a,b', false],
    ["'unsafe-inline'", false],
    ['https://*.example.com', false],
    ['javascript:', false],
    ['', false],
  ])('takes %s as a form target: %s', (target, taken) => {
    const policy = header(aPage({ formTargets: [target] }), 'content-security-policy');
    expect(policy).toContain(taken ? `form-action 'self' ${target};` : "form-action 'self';");
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', '/\\evil.example', '', 'evil', ' /x'])(
    'draws no action that leads to %s',
    (href) => {
      const { body } = renderPage(
        aPage({
          actions: [
            { kind: 'link', href, label: 'bad link' },
            { kind: 'form', action: href, label: 'bad form', fields: [] },
            { kind: 'link', href: 'https://app.example.com/', label: 'good' },
          ],
        }),
      );
      expect(body).not.toContain('bad');
      expect(body).toContain('<a class="first" href="https://app.example.com/">good</a>');
    },
  );

  test('cuts what is too long to read, but never a field of a form', () => {
    const long = 'x'.repeat(5000);
    const { body } = renderPage(
      aPage({ facts: [['Page', long]], actions: [{ kind: 'form', action: '/a', label: 'go', fields: [['t', long]] }] }),
    );
    expect(body).toContain(`<dd>${'x'.repeat(400)}…</dd>`);
    expect(body).toContain(`value="${long}"`);
  });

  test('shows controls, direction overrides and half characters as U+FFFD', () => {
    const { body } = renderPage(aPage({ facts: [['Page', 'a\u0000b\u202ec\ud83dd\udc00e\u{1f600}f\u2028\n']] }));
    expect(body).toContain('<dd>a\ufffdb\ufffdc\ufffdd\ufffde\u{1f600}f\ufffd\ufffd</dd>');
  });

  test('has no markup but the renderer’s own, whatever the texts are', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('<script>', '"><img src=x onerror=1>', "' x='", '</style>', '&lt;'),
    );
    const action = fc.oneof(
      fc.record({ kind: fc.constant('link' as const), href: text.map((t) => `/${t}`), label: text }),
      fc.record({
        kind: fc.constant('form' as const),
        action: text.map((t) => `https://a/${t}`),
        label: text,
        fields: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      }),
    );
    const pageText = fc.array(fc.oneof(text, fc.record({ strong: text })), { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.record({
          title: text,
          heading: pageText,
          paragraphs: fc.array(fc.record({ text: pageText }), { maxLength: 3 }),
          actions: fc.array(action, { maxLength: 3 }),
          facts: fc.array(fc.tuple(text, text), { maxLength: 3 }),
        }),
        (page) => {
          const rest = renderPage(page)
            .body.replace(TAGS_OF_OURS, '')
            .replace(/\n:root \{[^<]*?\n(?=\n)/, '');
          expect(rest).not.toMatch(/[<>"']/);
        },
      ),
    );
  });
});
