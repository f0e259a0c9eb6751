import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { createNudge, type NudgeContext } from '../../../shared/patterns/nudge.ts';

function scene(publish: () => Promise<string[]>) {
  const lines: unknown[] = [];
  const topics: string[] = [];
  const context: NudgeContext = {
    publisher: async () => ({
      publish(topic) {
        topics.push(topic);
        return publish();
      },
      close() {},
    }),
    topicNamed: (key) => `projects/p/topics/${key}`,
    log: { info: (message) => void lines.push(message) },
  };
  return { context, lines, topics };
}

test('a hundred nudges at once take two publish requests: one under way, and one for all who came later', async () => {
  const { context, topics } = scene(async () => ['1']);
  const nudge = createNudge('work');
  await Promise.all(Array.from({ length: 100 }, () => nudge(context)));
  expect(topics).toEqual(['projects/p/topics/work', 'projects/p/topics/work']);
});

test('a nudge that cannot be published is a line in the log and no error', async () => {
  const { context, lines } = scene(async () => {
    throw new AppError('unavailable', 'no Pub/Sub');
  });
  await createNudge('work')(context);
  expect(lines).toEqual(['nudge not published']);
});
