import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { subscriptionsOf } from '../../../local/function-subscriptions.ts';
import { functionNamed } from '../../../shared/app/define-app.ts';

const of = (name: string) => subscriptionsOf(functionNamed(core, name)!);

test('a function of uploads is subscribed to its replays alone', () => {
  expect(of('processVideo')).toEqual([
    {
      name: 'replay-processvideo',
      topic: 'replay-processvideo',
      form: 'wrapped',
      shownTopic: 'replay-processvideo',
      concurrency: 1,
      maxDeliveryAttempts: 10,
      deadLetterTopic: 'dead-letters',
      ackDeadlineSeconds: 540,
    },
  ]);
});

test('a function of a topic is subscribed to both, and sees one topic', () => {
  expect(of('ingestEvent')).toMatchObject([
    { name: 'eventarc-ingestEvent', topic: 'events', form: 'cloudevent', shownTopic: 'events' },
    { name: 'replay-ingestevent', topic: 'replay-ingestevent', form: 'wrapped', shownTopic: 'events' },
  ]);
  expect(of('maintainTable').map(({ topic }) => topic)).toEqual(['maintenance', 'replay-maintaintable']);
});

test('what inspects dead letters gives them up to a topic of their own, and has nothing to replay', () => {
  expect(of('inspectDeadLetter')).toMatchObject([
    {
      name: 'eventarc-inspectDeadLetter',
      topic: 'dead-letters',
      maxDeliveryAttempts: 30,
      deadLetterTopic: 'dead-letters-unread',
    },
  ]);
});
