/**
 * foldedName: the form in which readers that are lax with names take two of them for the same: those that ignore case (by Unicode, so that U+017F
 * is an `s` and U+212A a `k`), and those that end a text at its first NUL.
 */

export const foldedName = (name: string): string => (name.split('\0', 1)[0] ?? '').toUpperCase().toLowerCase();
