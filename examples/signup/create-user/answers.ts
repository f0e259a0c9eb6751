import { type Answer, jsonAnswer, problem } from '../../../shared/invocation/problem.ts';
import type { NewUser } from '../users/user.ts';
import type { Registered } from './register-user.ts';

/** The answer follows from the records alone, so that a repeated request gets the same bytes. */
export function answerOf(registered: Registered, { email, name }: NewUser): Answer {
  switch (registered.kind) {
    case 'created': {
      const { userId } = registered;
      return jsonAnswer(201, { userId, email, name });
    }
    case 'address-taken':
      return problem(409, { detail: 'email must be an address that no other user has' });
    case 'key-reused':
      return problem(422, { detail: 'idempotency-key must be new for another body' });
    case 'in-flight':
      return problem(409, {
        detail: 'a request with this idempotency-key is in progress',
        headers: { 'retry-after': String(registered.retrySeconds) },
      });
  }
}
