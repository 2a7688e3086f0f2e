/** Compares what a stranger says to a secret, in a time that tells nothing of it. */

import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const isSameSecret = (said: string, secret: string): boolean => timingSafeEqual(digest(said), digest(secret));
