/**
 * `node tools/vectors.mjs FILE...`: runs vector files (JSON Lines, gzipped or not; `fixtures.json` beside each) on the sources, prints
 * `N of M agree` and the first differences, and exits with 1 if any line differs, with 2 if a file cannot be read.
 */

import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

const { runVectorFile } = await import('../test/vectors/run-file.ts');

/** Lines whose differences are printed, for each file. */
const SHOWN_MAX = 20;

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: vectors FILE...');
  process.exit(2);
}

let agreed = 0;
let total = 0;
let unread = 0;
for (const file of files) {
  const outcomes = await runVectorFile(file).catch((error) => {
    console.error(`${file} cannot be run, with \`fixtures.json\` beside it: ${error.message}`);
    unread += 1;
    return [];
  });
  const differing = outcomes.filter(({ differences }) => differences.length > 0);
  for (const { id, differences } of differing.slice(0, SHOWN_MAX)) {
    console.log(id);
    for (const difference of differences) console.log(`  ${difference}`);
  }
  if (differing.length > SHOWN_MAX) console.log(`... and ${differing.length - SHOWN_MAX} more lines of ${file}`);
  agreed += outcomes.length - differing.length;
  total += outcomes.length;
}
console.log(`${agreed} of ${total} agree`);
process.exitCode = unread > 0 ? 2 : agreed === total && total > 0 ? 0 : 1;
