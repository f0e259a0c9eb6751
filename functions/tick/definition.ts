import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import type { OptionalPart } from '../../shared/app/optional.ts';
import { schedule } from '../../shared/app/trigger.ts';
import { parseCron } from '../../shared/core/cron.ts';
import { defineRecorder } from '../recorder.ts';

const recordTick = (cron: string): FunctionDefinition =>
  defineRecorder({
    name: 'recordTick',
    trigger: schedule({ cron, topic: 'ticks', job: 'ticks' }),
    maxInstances: 1,
    load: () => import('./handler.ts'),
    subject: async () => (await import('./subject.ts')).subjectOf,
  });

export const ticks: OptionalPart = {
  value: 'SCHEDULE',
  doc: `each tick of this schedule becomes an event: Unix cron in UTC, such as '0 * * * *'`,
  topics: { ticks: { doc: 'the scheduler publishes its ticks here' } },
  functions: [recordTick('0 * * * *')],
  choose(value) {
    if (parseCron(value) !== undefined) return [recordTick(value)];
    throw new TypeError(
      `--ticks must be Unix cron with five fields, such as '0 * * * *', got ${JSON.stringify(value)}`,
    );
  },
};
