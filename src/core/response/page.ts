/** Doorward's small pages: plain words first, facts last; no script, no outside asset, light and dark, style by CSP hash. */

export type PageAction =
  | { readonly kind: 'link'; readonly href: string; readonly label: string }
  /** A POST form; `fields` are hidden inputs. */
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
};
