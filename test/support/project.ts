/** Where the project is; works as CommonJS (jest) and as a module (the demo). */

import { fileURLToPath } from 'node:url';

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));
