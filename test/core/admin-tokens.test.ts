import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { exposureOf, ownerOfToken, parseAdminTokens, type AdminToken } from '../../src/core/admin-tokens.ts';

const ALICE = 'x7Qm2vTz9LpR4sWk8NfYb3HcJd6GtUe1';
const BOB = 'pR4sWk8NfYb3HcJd6GtUe1x7Qm2vTz9L';
/** 32 bytes in base64. */
const KEY = createHash('sha256').update('a key').digest('base64');

const fingerprintOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 12);
const parsed = (text: string): readonly AdminToken[] => {
  const tokens = parseAdminTokens(text);
  if (!tokens.ok) throw new Error(tokens.error);
  return tokens.value;
};

describe('a file of tokens', () => {
  test.each([
    ['a token alone', ALICE, [[undefined, ALICE]]],
    ['a name before it', `alice ${ALICE}\n`, [['alice', ALICE]]],
    ['tabs and many spaces', `\talice \t ${ALICE}  \n`, [['alice', ALICE]]],
    [
      'empty lines and CRLF',
      `\r\nalice ${ALICE}\r\n\r\n \r\n${BOB}\r\n`,
      [
        ['alice', ALICE],
        [undefined, BOB],
      ],
    ],
    [
      'one name for two tokens',
      `alice ${ALICE}\nalice ${BOB}`,
      [
        ['alice', ALICE],
        ['alice', BOB],
      ],
    ],
    ['base64 with its padding', KEY, [[undefined, KEY]]],
    ['a name of 64 characters', `${'n'.repeat(64)} ${ALICE}`, [['n'.repeat(64), ALICE]]],
    ['an address as a name', `alice@example.com ${ALICE}`, [['alice@example.com', ALICE]]],
    ['100 of them', lines(100), Array.from({ length: 100 }, (_, place) => [undefined, tokenAt(place)])],
  ])('with %s', (_, text, expected) => {
    expect(parsed(text)).toEqual(
      expected.map(([name, token = '']) => ({ name, token, fingerprint: fingerprintOf(token) })),
    );
  });

  const FORM = 'must have a token to a line, or a name and a token';
  test.each([
    ['nothing', '', 'is empty: it must have a token'],
    ['empty lines', ' \n\r\n\t\n', 'is empty: it must have a token'],
    ['101 tokens', lines(101), 'has more than 100 tokens'],
    ['three words to a line', `alice ${ALICE} laptop`, FORM],
    ['a comment', `# of alice\n${ALICE}`, FORM],
    ['a name that a log could take for more', `al"ice ${ALICE}`, FORM],
    ['a name that starts with a dash', `-alice ${ALICE}`, FORM],
    ['a name of 65 characters', `${'n'.repeat(65)} ${ALICE}`, FORM],
    ['a token that a header cannot carry', `${ALICE}é`, FORM],
    ['a token with a quote', `"${ALICE}"`, FORM],
    ['padding within', `=${ALICE}`, FORM],
    ['a token of 513 characters', ALICE.repeat(17).slice(0, 513), FORM],
    ['a weak token', `alice ${ALICE}\nbob secret`, expect.stringMatching(/^has a token that must be 32 bytes/)],
    ['a token that can be guessed', 'a'.repeat(32), expect.stringMatching(/^has a token that can be guessed/)],
    ['one token twice', `alice ${ALICE}\nbob ${ALICE}`, 'has a token twice'],
  ])('with %s is refused, and nothing of it is in the error', (_, text, error) => {
    const tokens = parseAdminTokens(text);
    expect(tokens).toEqual({ ok: false, error });
    for (const word of ['alice', ALICE, 'secret']) expect(JSON.stringify(tokens)).not.toContain(word);
  });
});

describe('the owner of a token', () => {
  const tokens = parsed(`alice ${ALICE}\n${BOB}`);

  test('has a name, or the fingerprint alone, and never the token', () => {
    expect(ownerOfToken(ALICE, tokens)).toEqual({ name: 'alice', fingerprint: fingerprintOf(ALICE) });
    expect(ownerOfToken(BOB, tokens)).toEqual({ name: undefined, fingerprint: fingerprintOf(BOB) });
  });

  test.each(['', ALICE.slice(0, -1), `${ALICE}x`, ALICE.toLowerCase(), ` ${ALICE}`, 'alice', fingerprintOf(ALICE)])(
    '"%s" is nobody',
    (said) => {
      expect(ownerOfToken(said, tokens)).toBeUndefined();
    },
  );

  test('where there are no tokens, nobody is', () => {
    expect(ownerOfToken('', [])).toBeUndefined();
  });
});

describe('a file of secrets', () => {
  const OPEN = 'can be read by others, or written to by its group: chmod 640 or less';
  test.each([
    [0o100600, 1000, undefined],
    [0o100400, 1000, undefined],
    [0o100640, 1000, undefined],
    // As a secret is mounted into a container: of root, readable for the group of the process.
    [0o100440, 0, undefined],
    [0o100620, 1000, OPEN],
    [0o100604, 1000, OPEN],
    [0o100602, 1000, OPEN],
    [0o100601, 1000, OPEN],
    [0o100644, 0, OPEN],
    [0o100600, 1001, 'belongs to somebody else'],
  ])('of mode %o and owner %i, for user 1000: %s', (mode, uid, expected) => {
    expect(exposureOf({ mode, uid }, 1000)).toBe(expected);
  });

  test('belongs to nobody in particular where there are no users', () => {
    expect(exposureOf({ mode: 0o100600, uid: 5 }, undefined)).toBeUndefined();
    expect(exposureOf({ mode: 0o100644, uid: 5 }, undefined)).toBe(OPEN);
  });
});

function tokenAt(place: number): string {
  return `${ALICE}-${place}`;
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, place) => tokenAt(place)).join('\n');
}
