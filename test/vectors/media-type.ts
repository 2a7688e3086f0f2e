/** What an `Accept` header prefers, by weight, as the vectors reckon it: a weight of 0 counts as none given. */

type MediaRange = { readonly type: string; readonly parameters: number; readonly weight: number };

/** The first of `offers` that the heaviest range takes; undefined when none does or the header cannot be read. */
export function mostAcceptable(accept: string, offers: readonly string[]): string | undefined {
  const ranges = parseAccept(accept);
  if (ranges === undefined) return undefined;
  for (const range of [...ranges].sort((a, b) => b.weight - a.weight)) {
    const found = offers.find((offer) => takes(range, offer));
    if (found !== undefined) return found;
  }
  return undefined;
}

function takes({ type, parameters }: MediaRange, offer: string): boolean {
  if (type.startsWith('*/')) return true;
  if (type.endsWith('/*')) return offer.startsWith(type.slice(0, -1));
  return offer === type && parameters === 0;
}

function parseAccept(accept: string): readonly MediaRange[] | undefined {
  if (accept.trim() === '') return [{ type: '*/*', parameters: 0, weight: 1 }];
  const parts = accept.split(',');
  if (parts[0]?.trim() === '') parts.shift();
  const ranges: MediaRange[] = [];
  for (const part of parts) {
    const range = parseRange(part);
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  return ranges;
}

function parseRange(text: string): MediaRange | undefined {
  const [name = '', ...parameters] = text.split(';');
  const match = /^\s*([^\s/=][^/=]*)\/\s*([^\s/=][^/=]*)$/.exec(name);
  if (match === null) return undefined;
  const type = `${match[1] ?? ''}/${match[2] ?? ''}`.toLowerCase();
  if (type.startsWith('*/') && type !== '*/*') return undefined;
  const values = new Map<string, string>();
  for (const parameter of parameters) {
    const pair = /^\s*([^/=]*)=\s*([^/=]*)$/.exec(parameter);
    if (pair === null) return undefined;
    values.set(pair[1] ?? '', pair[2] ?? '');
  }
  const quality = values.has('q') ? Number(values.get('q')) : 0;
  if (Number.isNaN(quality)) return undefined;
  values.delete('q');
  const specificity = type === '*/*' ? 0 : type.endsWith('/*') ? 0.00001 : 0.00002;
  const weight = Math.min(Math.max(quality, 0), 1) || 1;
  return { type, parameters: values.size, weight: weight + specificity + 0.0001 * values.size };
}
