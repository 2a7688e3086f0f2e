import { test } from '@jest/globals';
import { World } from './world.ts';
test('x', async () => {
  for (const climate of ['restless','brittle','frozen','interrupted','slow','temperate'] as const) for (const nodes of [1,2]) {
    const t = await new World({ seed:1, nodes, climate }, {}).run(25000);
    console.log(climate, nodes, JSON.stringify(t));
  }
}, 100000);
