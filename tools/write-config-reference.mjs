/** Writes schema/doorward.schema.json and docs/configuration.md from the built schema: `npm run -s build && node tools/write-config-reference.mjs`. */

import { writeFileSync } from 'node:fs';
import { renderJsonSchema, renderReference } from './config-reference.mjs';

const built = new URL('../dist/adapters/config/schema/', import.meta.url);
const file = await import(new URL('file-schema.js', built));
const pomerium = await import(new URL('pomerium-keys.js', built));

const source = { ...file, ...pomerium };
writeFileSync(new URL('../schema/doorward.schema.json', import.meta.url), renderJsonSchema(source));
writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderReference(source));
