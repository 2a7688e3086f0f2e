/** Each play ends well with the protocol as it is, and not with the mistake that it is made for. */

import { describe, expect, test } from '@jest/globals';
import { changeOf } from '../mutations.ts';
import { plays, refreshedMeanwhile } from './revocation-plays.ts';

describe('what a confirmed revocation ended is not allowed', () => {
  test.each(Object.entries(plays))('in the play that finds %s', async (_, play) => {
    const { announced, isAllowed } = await play({});
    expect(announced.kind).toBe('confirmed');
    expect(isAllowed).toBe(false);
  });
});

describe('with its mistake, each play allows what a confirmed revocation ended', () => {
  test.each(Object.entries(plays))('%s', async (mistake, play) => {
    const { announced, isAllowed } = await play(changeOf(mistake));
    expect(announced.kind).toBe('confirmed');
    expect(isAllowed).toBe(true);
  });
});

describe('a session that was ended while it was refreshed is held back twice', () => {
  test.each(['REFRESH_SET', 'DELETE_ONLY'])('with %s alone it is not allowed', async (mistake) => {
    const { announced, isAllowed } = await refreshedMeanwhile(changeOf(mistake));
    expect(announced.kind).toBe('confirmed');
    expect(isAllowed).toBe(false);
  });
});
