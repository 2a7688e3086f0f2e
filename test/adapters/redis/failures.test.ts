import { describe, expect, test } from '@jest/globals';
import {
  dependencyError,
  isNoScript,
  isTimeout,
  isWrongNode,
  replyCode,
} from '../../../src/adapters/redis/failures.ts';

const replyError = (message: unknown): unknown => ({ name: 'ReplyError', message, command: { args: ['secret'] } });

describe('failures', () => {
  test.each([
    ['WRONGTYPE Operation against a key', 'WRONGTYPE'],
    ['NOAUTH', 'NOAUTH'],
    ['lower case', 'ERR'],
    ['X', 'ERR'],
    ['secret-without-blank', 'ERR'],
    ['', 'ERR'],
  ])('the code of the error reply "%s" is %s', (message, code) => {
    expect(replyCode(replyError(message))).toBe(code);
  });

  test.each([undefined, null, 'text', 7, new Error('x'), { name: 'ReplyError' }])('%p is no error reply', (error) => {
    expect(replyCode(error)).toBeUndefined();
    expect(isNoScript(error)).toBe(false);
    expect(isTimeout(error)).toBe(false);
    expect(isWrongNode(error)).toBe(false);
    expect(dependencyError(error, 'read')).toMatchObject({ code: 'store-unavailable', cause: undefined });
  });

  test.each([
    ['WRONGTYPE x', 'store-corrupt'],
    ['ERR x', 'store-corrupt'],
    ['OOM x', 'store-unavailable'],
    ['LOADING x', 'store-unavailable'],
    ['READONLY x', 'store-unavailable'],
    ['NOTMASTER x', 'store-unavailable'],
  ])('the error reply "%s" is %s, and nothing of its text goes on', (message, code) => {
    const failure = dependencyError(replyError(`${message} secret`), 'read');
    expect(failure.code).toBe(code);
    expect(`${failure.message} ${JSON.stringify(failure)} ${String(failure.cause)}`).not.toContain('secret');
  });

  test('only what is known to be harmless of a network error is shown', () => {
    expect(dependencyError({ code: 'ECONNREFUSED', message: 'secret' }, 'read').message).toBe(
      'the connection to Redis failed at read (ECONNREFUSED)',
    );
    expect(dependencyError({ code: 'a secret', message: 'secret' }, 'read').message).not.toContain('secret');
  });

  test('replies of another node than wanted are told apart', () => {
    expect(isWrongNode(replyError('READONLY You cannot write'))).toBe(true);
    expect(isWrongNode(replyError('OOM'))).toBe(false);
    expect(isNoScript(replyError('NOSCRIPT No matching script'))).toBe(true);
  });
});
