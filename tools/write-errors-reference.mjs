/** Writes docs/errors.md from the built table of refusals: `npm run -s build && node tools/write-errors-reference.mjs`. */

import { writeFileSync } from 'node:fs';
import { renderErrorsReference } from './errors-reference.mjs';

const { refusalCodes } = await import(new URL('../dist/core/response/refusal-codes.js', import.meta.url));
writeFileSync(new URL('../docs/errors.md', import.meta.url), renderErrorsReference(refusalCodes));
