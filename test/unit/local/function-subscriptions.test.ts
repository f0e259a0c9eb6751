import { expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { subscriptionsOf } from '../../../local/function-subscriptions.ts';
import { functionNamed } from '../../../shared/app/define-app.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';

const of = (name: string) => subscriptionsOf(functionNamed(core, name)!);

test("a function of uploads is subscribed to Eventarc's topic and to its replays", () => {
  expect(of('processVideo')).toEqual([
    {
      name: 'eventarc-processVideo',
      topic: 'eventarc-processVideo',
      form: 'event',
      shownTopic: 'eventarc-processVideo',
      concurrency: 1,
      maxDeliveryAttempts: 10,
      deadLetterTopic: 'dead-letters',
      ackDeadlineSeconds: 540,
    },
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
    { name: 'push-ingestevent', topic: 'events', form: 'wrapped', shownTopic: 'events' },
    { name: 'replay-ingestevent', topic: 'replay-ingestevent', form: 'wrapped', shownTopic: 'events' },
  ]);
  expect(of('maintainTable').map(({ topic }) => topic)).toEqual(['maintenance', 'replay-maintaintable']);
});

test('the dead-letter inspector gives up to a separate topic, and has nothing to replay', () => {
  expect(of('inspectDeadLetter')).toMatchObject([
    {
      name: 'push-inspectdeadletter',
      topic: 'dead-letters',
      maxDeliveryAttempts: 30,
      deadLetterTopic: 'dead-letters-unread',
    },
  ]);
});

test('the subscription has the filter and the ordering of its trigger', () => {
  const trigger = messagePublished({ topic: 'events', types: ['a'], ordering: true });
  const [push, replays] = subscriptionsOf({ ...functionNamed(core, 'ingestEvent')!, trigger });
  expect(push).toMatchObject({ filter: 'attributes."ce-type" = "a"', ordering: true });
  // a replay is meant for the function, whatever its filter is now
  expect(replays).not.toHaveProperty('filter');
});
