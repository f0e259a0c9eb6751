import { outcome, reportOutcome } from '../../../shared/invocation/outcome.ts';
import { type Answer, problem } from '../../../shared/invocation/problem.ts';
import {
  type ReceivedRequest,
  type RequestContext,
  requestHandler,
} from '../../../shared/invocation/request-handler.ts';
import { answerOf } from './answers.ts';
import { parseUser } from './parse-user.ts';
import { ATTEMPT_MS, registerUser } from './register-user.ts';
import { parseSettings } from './settings.ts';

type Settings = ReturnType<typeof parseSettings>;

export const { serve } = requestHandler({
  settings: parseSettings,
  attemptMs: () => ATTEMPT_MS,
  async run(request, context) {
    if (request.path !== '/users') return problem(404, { detail: 'no such resource: users are at /users' });
    if (request.method !== 'POST') {
      return problem(405, { detail: 'POST creates a user', headers: { allow: 'POST' } });
    }
    return await createUser(request, context);
  },
});

async function createUser(request: ReceivedRequest, context: RequestContext<Settings>): Promise<Answer> {
  const { settings, clock, log } = context;
  const startedAt = clock.now();
  const parsed = parseUser(request, settings.MAX_USER_BYTES);
  const key = request.header('idempotency-key');
  const isKey = key === undefined || /^[\x21-\x7e]{1,255}$/.test(key);
  if (!isKey || parsed.kind === 'faults') {
    return problem(400, {
      detail: isKey
        ? 'the body has faults'
        : 'idempotency-key must be 1 to 255 visible ASCII characters, and sent once',
      ...(parsed.kind === 'faults' && { errors: parsed.faults }),
    });
  }
  const registered = await registerUser(parsed.user, key, context);
  const facts = { eventType: 'user.created', durationMs: clock.now() - startedAt };
  const { kind } = registered;
  reportOutcome(
    log,
    outcome(kind, kind === 'created' ? { isPublished: registered.isPublished } : {}, 'request answered'),
    facts,
  );
  return answerOf(registered, parsed.user);
}
