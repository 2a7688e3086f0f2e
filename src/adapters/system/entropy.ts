/** The operating system's random numbers, behind the Entropy port. */

import { randomBytes } from 'node:crypto';
import type { Entropy } from '../../core/ports.ts';

/** @throws Error when the operating system has no random numbers to give; nothing may go on without. */
export const systemEntropy: Entropy = { bytes: (length) => randomBytes(length) };
