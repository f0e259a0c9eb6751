import { describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { isMissingBucket, statusOf, toStorageError } from '../../../shared/storage/gcs-errors.ts';

const failure = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);

describe("the client's failures as codes", () => {
  it.each([
    [
      'no connection',
      failure('connect ECONNREFUSED', { code: 'ECONNREFUSED', type: 'system' }),
      'unavailable',
    ],
    ['a reset', failure('read ECONNRESET', { code: 'ECONNRESET' }), 'unavailable'],
    ['a broken body', failure('Invalid response body: Premature close'), 'unavailable'],
    ['half a JSON', failure('invalid json response body', { type: 'invalid-json' }), 'unavailable'],
    ['no name', failure('getaddrinfo EAI_AGAIN', { code: 'EAI_AGAIN' }), 'unavailable'],
    ['a slow answer', failure('network timeout', { type: 'request-timeout' }), 'timeout'],
    ['a slow body', failure('Response timeout', { type: 'body-timeout' }), 'timeout'],
    ['no credentials', failure('Could not load the default credentials.'), 'denied'],
    ['a dead login', failure('invalid_grant', { code: '400' }), 'denied'],
    ['a limit', failure('Too Many Requests', { code: 429 }), 'quota'],
    [
      'a limit as 403',
      failure('slow down', { code: 403, errors: [{ reason: 'rateLimitExceeded' }] }),
      'quota',
    ],
    ['no role', failure('forbidden', { code: 403, errors: [{ reason: 'forbidden' }] }), 'denied'],
    ['no bucket', failure('The specified bucket does not exist.', { code: 404 }), 'invalid-config'],
    ['a mistake of ours', failure('Bad Request', { code: 400 }), 'internal'],
    ['anything else', failure('what?'), 'internal'],
    ['no error at all', 'text', 'internal'],
  ] as const)('%s', (_, error, code) => {
    const mapped = toStorageError(error, 'read gs://b/o', 'b');
    expect(mapped).toMatchObject({ code, cause: error });
    expect(mapped.message).toContain('read gs://b/o');
  });

  it('an AppError stays as it is', () => {
    const error = new AppError('timeout', 'x');
    expect(toStorageError(error, 'read', 'b')).toBe(error);
  });

  it('a status is a number or three digits, in code or status', () => {
    expect(
      [{ code: 503 }, { code: '503' }, { status: 404 }, { code: 'ECONNRESET', status: 500 }].map(statusOf),
    ).toEqual([503, 503, 404, 500]);
    expect([{}, null, undefined, 'x', { code: 'E12' }, { code: 7 }].map(statusOf)).toEqual(
      Array(6).fill(undefined),
    );
  });

  it('a 404 means the bucket only if it says so', () => {
    expect(
      isMissingBucket(failure('No such object: b/the specified bucket does not exist', { code: 404 })),
    ).toBe(false);
    expect(isMissingBucket(failure('The specified bucket does not exist.', { code: 404 }))).toBe(true);
  });
});
