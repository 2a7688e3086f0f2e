/** JudgedAgain: what a recorded request comes to under another configuration. */

import type { JudgedKind } from './judged-kind.ts';

export type JudgedAgain =
  | {
      readonly kind: 'decided';
      readonly is: JudgedKind;
      readonly route: string | undefined;
      readonly rule: string | undefined;
      readonly reasons: readonly string[];
    }
  | { readonly kind: 'undecided'; readonly route: string | undefined; readonly lacking: readonly string[] }
  /** The path is Doorward's own. */
  | { readonly kind: 'own' };
