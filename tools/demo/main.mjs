/**
 * `npm run demo`: everything on this machine, on loopback: an OpenID provider with a few users, an application that shows what it received,
 * Doorward with its sessions in memory, and Envoy in front. Runs until Ctrl-C. `npm run demo -- --once` plays the tour itself and ends.
 */

import { register } from 'node:module';

import { MissingComponent, ensureEnvoy } from '../components.mjs';

register('../typescript-hooks.mjs', import.meta.url);

const say = (line) => {
  console.error(line);
};

const HELP = `npm run demo              start everything, and tell what to try
npm run demo -- --once    play the tour, print what was expected and seen, and end (exit 1 at the first difference)`;

const run = async (args) => {
  const unknown = args.find((argument) => argument !== '--once' && argument !== '--help');
  if (unknown !== undefined || args.includes('--help')) {
    say(HELP);
    return unknown === undefined ? 0 : 2;
  }
  try {
    await ensureEnvoy(say);
  } catch (error) {
    if (!(error instanceof MissingComponent)) throw error;
    say(error.message);
    return 1;
  }
  const { openStage } = await import('./stage.mjs');
  const stage = await openStage({ say, isOnce: args.includes('--once') });
  try {
    if (args.includes('--once')) {
      const { playTour } = await import('./tour.mjs');
      return await playTour(stage);
    }
    const { tellWhatToTry, untilInterrupted } = await import('./try-it.mjs');
    tellWhatToTry(stage);
    await untilInterrupted();
    say('\nStopping ...');
    return 0;
  } finally {
    await stage.close();
  }
};

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? `${error.message}${error.cause ? `\n  because: ${error.cause}` : ''}` : String(error));
  process.exitCode = 1;
}
