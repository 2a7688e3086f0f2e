/** Metrics of held streams: how many there are, how they ended, and how long it took from learning why to telling the proxy. */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type StreamMetrics = {
  /** Asked at each scrape. */
  reportHeld(read: () => number): void;
  /** Both of fixed sets (StreamRecord). `seconds`: for what was cut. */
  observeEnd(end: { readonly action: string; readonly reason: string; readonly seconds: number }): void;
};

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function createStreamMetrics(registers: Registry[]): StreamMetrics {
  const ends = new Counter({
    name: 'doorward_streams_ended_total',
    help: 'Streams that were cut, refused when their hold began, or ended by the bound, by why.',
    labelNames: ['action', 'reason'],
    registers,
  });
  const delay = new Histogram({
    name: 'doorward_stream_cut_seconds',
    help: 'From when this process learned why a stream must end until it told the proxy.',
    buckets: SECONDS,
    registers,
  });
  return {
    reportHeld: (read) => {
      new Gauge({
        name: 'doorward_streams_held',
        help: 'Streams that are held now.',
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    observeEnd: ({ action, reason, seconds }) => {
      ends.inc({ action, reason });
      if (action === 'cut') delay.observe(seconds);
    },
  };
}
