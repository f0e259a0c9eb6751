import type { Context } from '../../../shared/invocation/context.ts';
import type { Outcome } from '../../../shared/invocation/outcome.ts';
import { createNudge } from '../../../shared/patterns/nudge.ts';
import { WORK_TOPIC } from '../relay/definition.ts';

/** Outcomes that leave nothing in the outbox. A duplicate may: the delivery before it died before it could nudge. */
const QUIET: ReadonlySet<string> = new Set(['ignored', 'noted', 'parked']);

/** The same work, after which the relay is told that there may be something to publish. */
export function withNudge<E, Part>(
  work: (event: E, context: Context<unknown>, part: Part) => Promise<Outcome>,
): (event: E, context: Context<unknown>, part: Part) => Promise<Outcome> {
  const nudge = createNudge(WORK_TOPIC);
  return async (event, context, part) => {
    const settled = await work(event, context, part);
    if (!QUIET.has(settled.status)) await nudge(context);
    return settled;
  };
}
