/** What becomes of a message between a process and Redis. */

import type { Random } from './random.ts';
import type { RedisNode } from './redis-node.ts';
import type { FaultCounts } from './tally.ts';

/** What happens to all connections of one process. */
export type Weather = {
  isCutOff: boolean;
  delayMsMax: number;
  readonly found: RedisNode;
  /** Requests sent so far, and the newest that has arrived. */
  readonly traffic: { sent: number; newest: number };
};

export type Message = {
  readonly way: 'connect' | 'request' | 'reply';
  /** The script, `wait` or `news`; empty of a connection that is sought. */
  readonly name: string;
  readonly weather: Weather;
};

/** How long it is on its way, in ms; undefined = for ever. */
export type Courier = (message: Message) => number | undefined;

/** Mostly quick, now and then slow; who is cut off may still be heard, and hears nothing. */
export function randomCourier(options: {
  readonly random: Random;
  /** How many messages are slow. */
  readonly slowChance: number;
  readonly faults: Pick<FaultCounts, 'dropped' | 'delayed'>;
}): Courier {
  const { random, slowChance, faults } = options;
  return ({ way, weather }) => {
    if (weather.isCutOff && (way !== 'request' || random.chance(0.5))) {
      if (way !== 'connect') faults.dropped += 1;
      return undefined;
    }
    if (!random.chance(slowChance)) return random.between(0.05, 1);
    faults.delayed += 1;
    return random.between(0, weather.delayMsMax);
  };
}
