import { expect, test } from 'vitest';
import { problem } from '../../../shared/invocation/problem.ts';

test('a problem has the name of its status, and only the members that were given', () => {
  expect(problem(404)).toEqual({
    status: 404,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: { type: 'about:blank', title: 'Not Found', status: 404 },
  });
});

test('faults of a body come with their places, headers beside its own', () => {
  const errors = [{ detail: 'must be text, got 7', pointer: '#/name' }];
  const { headers, body } = problem(400, { detail: 'body has 1 fault', errors, headers: { allow: 'POST' } });
  expect(headers).toMatchObject({ allow: 'POST', 'content-type': 'application/problem+json' });
  expect(body).toEqual({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'body has 1 fault',
    errors,
  });
});

test.each([
  [413, 'Content Too Large'],
  [422, 'Unprocessable Content'],
])('%i is named as in RFC 9110', (status, title) => {
  expect(problem(status).body).toMatchObject({ title });
});
