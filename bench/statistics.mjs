/** Medians and percentiles of small samples. */

export const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

export const median = (values) => percentile(Float64Array.from(values).sort(), 0.5);
