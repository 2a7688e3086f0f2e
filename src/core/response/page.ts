/** Doorward's small pages: plain words first, facts last; no script, no outside asset, light and dark, style by CSP hash. */

import { createHash } from 'node:crypto';

import type { OwnResponse } from './decision.ts';
import { escapeHtml, escapeShown } from './escape.ts';
import { ownHeaders } from './own-headers.ts';

export type PageAction =
  /** `href` is a path of this host or an http(s) URL; anything else is not drawn. */
  | { readonly kind: 'link'; readonly href: string; readonly label: string }
  /** A POST form; `fields` are hidden inputs. `action` as `href`. */
  | {
      readonly kind: 'form';
      readonly action: string;
      readonly label: string;
      readonly fields: readonly (readonly [string, string])[];
    };

/** All strings are plain text; the renderer escapes. `paragraphs` may emphasise with `{ strong }`. */
export type PageText = readonly (string | { readonly strong: string })[];

export type Page = {
  readonly title: string;
  readonly heading: PageText;
  readonly paragraphs: readonly { readonly text: PageText; readonly quiet?: boolean }[];
  /** The first is drawn as the main one. */
  readonly actions: readonly PageAction[];
  readonly facts: readonly (readonly [term: string, detail: string])[];
  /**
   * Where forms of this page may lead besides its own origin: origins (`https://idp.example.com`), or `https:` for any. Chromium holds
   * each redirect that follows a form against it, so a form that ends at an identity provider must name where that goes.
   * What is not an origin is left out.
   */
  readonly formTargets?: readonly string[];
};

const STYLE = `
:root { color-scheme: light dark; --ground: #f6f5f2; --sheet: #ffffff; --ink: #1d1f21; --quiet: #5d6166; --line: #dddad3;
  --seal: #9a2b1f; --act: #1f4f8f; --on-act: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ground: #141517; --sheet: #1c1e21; --ink: #e9e8e4; --quiet: #a3a7ad;
  --line: #34373c; --seal: #f0897c; --act: #8db8f2; --on-act: #10151c; } }
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { width: min(34rem, 100%); background: var(--sheet); border: 1px solid var(--line); border-top: 3px solid var(--seal);
  border-radius: .5rem; padding: 2rem; }
h1 { font-size: 1.375rem; line-height: 1.3; letter-spacing: -.01em; text-wrap: balance; overflow-wrap: anywhere; }
p { margin-top: .75rem; max-width: 56ch; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.actions { margin-top: 1.5rem; display: flex; flex-wrap: wrap; gap: .75rem; }
a, button { display: inline-block; font: inherit; border-radius: .375rem; padding: .5rem 1rem; border: 1px solid var(--line);
  color: var(--ink); background: none; text-decoration: none; cursor: pointer; }
:is(a, button).first { background: var(--act); border-color: var(--act); color: var(--on-act); }
:is(a, button):focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
dl { margin-top: 1.75rem; padding-top: 1rem; border-top: 1px solid var(--line); display: grid;
  grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; color: var(--quiet); }
dd { overflow-wrap: anywhere; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--ink); }
`;

const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** One origin, or one scheme: nothing that could end the directive or begin another. */
const FORM_TARGET = /^https?:(?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)?$/;

/** A path of this host (never `//host` or `/\host`) or an absolute http(s) URL. */
const SAFE_HREF = /^(?:\/(?![/\\])|https?:\/\/)/;

/** The page as an answer, with the headers that keep it harmless. Everything in it is escaped. Never throws. */
export function renderPage(page: Page, status = 200): OwnResponse {
  return {
    status,
    headers: [
      ...ownHeaders('text/html; charset=utf-8'),
      ['content-security-policy', contentSecurityPolicy(page)],
      ['x-frame-options', 'DENY'],
      // Not `no-referrer`: with it browsers send `Origin: null` from our own forms, which then look cross-site. Other sites get nothing.
      ['referrer-policy', 'same-origin'],
    ],
    body: renderDocument(page),
  };
}

function contentSecurityPolicy(page: Page): string {
  const hasForm = page.actions.some((action) => action.kind === 'form');
  const targets = (page.formTargets ?? []).filter((target) => FORM_TARGET.test(target));
  const formAction = hasForm ? ["'self'", ...targets].join(' ') : "'none'";
  return `default-src 'none'; style-src ${STYLE_SOURCE}; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`;
}

function renderDocument(page: Page): string {
  const paragraphs = page.paragraphs
    .map(({ text, quiet }) => `  <p${quiet === true ? ' class="quiet"' : ''}>${renderText(text, 'strong')}</p>\n`)
    .join('');
  const drawn = page.actions.filter((action) => SAFE_HREF.test(action.kind === 'link' ? action.href : action.action));
  const actions = drawn.map((action, index) => `    ${renderAction(action, index === 0)}\n`).join('');
  const facts = page.facts
    .map(([term, detail]) => `    <dt>${escapeShown(term)}</dt><dd>${escapeShown(detail)}</dd>\n`)
    .join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeShown(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
  <h1>${renderText(page.heading, 'em')}</h1>
${paragraphs}${actions === '' ? '' : `  <div class="actions">\n${actions}  </div>\n`}${facts === '' ? '' : `  <dl>\n${facts}  </dl>\n`}</main>
</body>
</html>
`;
}

function renderText(text: PageText, emphasis: 'strong' | 'em'): string {
  return text
    .map((part) =>
      typeof part === 'string' ? escapeShown(part) : `<${emphasis}>${escapeShown(part.strong)}</${emphasis}>`,
    )
    .join('');
}

function renderAction(action: PageAction, isFirst: boolean): string {
  const className = isFirst ? ' class="first"' : '';
  if (action.kind === 'link') {
    return `<a${className} href="${escapeHtml(action.href)}">${escapeShown(action.label)}</a>`;
  }
  const fields = action.fields
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('');
  return (
    `<form method="post" action="${escapeHtml(action.action)}">${fields}` +
    `<button${className} type="submit">${escapeShown(action.label)}</button></form>`
  );
}
