/** Lists that may be written as one text. */

/** `a, b` and `[a, b]` are the same; blanks around and empty parts are dropped from the former. */
export const listOfTexts = (
  value: string | readonly string[] | undefined,
  separator: RegExp = /,/,
): readonly string[] => {
  if (value === undefined) return [];
  if (typeof value !== 'string') return value;
  return value
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
};
