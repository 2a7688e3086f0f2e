/** Durations as they are written in doorward.yaml: `30s`, `1h30m`, `500ms`, or a number of seconds. */

const UNIT_SECONDS: { readonly [unit: string]: number } = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Ten years: whatever is longer is a slip, and stays far from where clocks and timers overflow. */
const SECONDS_MAX = 315_360_000;

/** Seconds; undefined for what is no duration, not more than zero, or longer than ten years. The schema has checked the form. */
export function parseDuration(value: string | number): number | undefined {
  const seconds = typeof value === 'number' ? value : /^[0-9.]+$/.test(value) ? Number(value) : sumOfParts(value);
  return Number.isFinite(seconds) && seconds > 0 && seconds <= SECONDS_MAX ? seconds : undefined;
}

function sumOfParts(text: string): number {
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h|d)/g))
    seconds += Number(count) * (UNIT_SECONDS[unit ?? ''] ?? Number.NaN);
  // 0.1 + 0.2: what is written in milliseconds stays a whole number of them.
  return Math.round(seconds * 1000) / 1000;
}
