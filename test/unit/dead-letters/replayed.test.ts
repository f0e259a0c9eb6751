import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { letterOf } from '../../../shared/dead-letters/letter-id.ts';
import {
  listLetters,
  readLetter,
  writeReplay,
  writeSending,
} from '../../../shared/dead-letters/letter-store.ts';
import { replayMessage } from '../../../shared/dead-letters/replay-message.ts';
import { eventIdOf } from '../../../shared/events/cloud-event.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { Storage } from '../../../shared/storage/object-store.ts';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import { startMemoryInspector } from '../../helpers/inspect-memory.ts';
import { givenUpMessage } from '../../helpers/letters.ts';
import {
  batch,
  cloudEvent,
  messageEvent,
  namelessEvent,
  pubsubMessage,
  pushBody,
  replayEvent,
  replayPush,
  structured,
} from '../../helpers/messages.ts';

const ORDER_ID = eventIdOf({ id: 'e-1', source: '//shop/orders' });
const LETTER = letterOf('ingestEvent', ORDER_ID);

/** A scene whose clock advances with each entry, so that their order is known. */
function sceneOf(env: Record<string, string> = {}) {
  let now = Date.parse('2026-11-21T10:00:00Z');
  const storage = createMemoryStorage({ now: () => (now += 1_000) });
  return { storage, ingest: startMemoryIngest({ storage, env }), inspector: startMemoryInspector(storage) };
}

/** Records a replay of the letter as the command does, and returns the message that it publishes. */
async function replayOf(storage: Storage, key: string, letter = LETTER): Promise<Record<string, unknown>> {
  const found = await readLetter(storage.bucket('state'), letter);
  const death = found?.entries.map(({ entry }) => entry).find((entry) => entry.kind === 'death');
  if (death?.kind !== 'death') throw new Error('no death');
  const replay = replayMessage(death, key);
  if (replay.kind !== 'message') throw new Error(replay.reason);
  const at = '2026-11-21T10:00:00.000Z';
  await writeSending(storage.bucket('state'), { letter, key, topic: 'replay-ingestevent', at });
  return pubsubMessage({ data: replay.message.data, attributes: replay.message.attributes });
}

const statuses = async (storage: Storage) =>
  (await listLetters(storage.bucket('state'))).map(({ status, deaths, replays }) => ({
    status,
    deaths,
    replays,
  }));

test.each([
  ['as a function is handed it', replayEvent],
  ['as a push body', replayPush],
] as const)('a replayed event that is settled resolves its letter, %s', async (_name, form) => {
  const { storage, ingest, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  const replay = await replayOf(storage, 'run-1');
  await ingest.deliver(form(replay));
  await ingest.deliver(form(replay));
  expect(await ingest.rows()).toMatchObject([{ event_id: ORDER_ID, causation_id: LETTER }]);
  expect(await statuses(storage)).toEqual([{ status: 'resolved', deaths: 1, replays: 1 }]);
  const letter = await readLetter(storage.bucket('state'), LETTER);
  expect(letter?.entries.at(-1)?.entry).toMatchObject({ kind: 'resolved', key: 'run-1', by: 'ingestEvent' });
});

test('refused again: the letter failed again, and its next replay may settle it', async () => {
  const types = { UNKNOWN_TYPES: 'refuse' };
  const { storage, ingest, inspector } = sceneOf(types);
  const publish = () => ingest.published.at(-1)!;
  const inspectLast = () => {
    const { data, attributes } = publish();
    return inspector.deliver(messageEvent(pubsubMessage({ data, attributes })));
  };
  await ingest.deliver(messageEvent(structured()));
  await inspectLast();
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
  await ingest.deliver(replayEvent(await replayOf(storage, 'run-1')));
  await inspectLast();
  expect(await statuses(storage)).toEqual([{ status: 'failed-again', deaths: 2, replays: 1 }]);
  const mended = startMemoryIngest({ storage });
  await mended.deliver(replayEvent(await replayOf(storage, 'run-2')));
  expect(await statuses(storage)).toEqual([{ status: 'resolved', deaths: 2, replays: 2 }]);
});

test('given up again by Pub/Sub: failed again', async () => {
  const { storage, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  await inspector.deliver(givenUpMessage(await replayOf(storage, 'run-1'), 'replay-ingestevent'));
  expect(await statuses(storage)).toEqual([{ status: 'failed-again', deaths: 2, replays: 1 }]);
});

test('a body that no parser reads keeps its letter across replays', async () => {
  const { storage, ingest, inspector } = sceneOf();
  await ingest.deliver(
    messageEvent(pubsubMessage({ data: Uint8Array.of(0xff, 0xfe), attributes: { a: '1' } })),
  );
  const { attributes } = ingest.published.at(-1)!;
  await inspector.deliver(messageEvent(pubsubMessage({ data: Uint8Array.of(0xff, 0xfe), attributes })));
  const [{ letter = '' } = {}] = await listLetters(storage.bucket('state'));
  await ingest.deliver(replayEvent(await replayOf(storage, 'run-1', letter)));
  const again = ingest.published.at(-1)!;
  await inspector.deliver(
    messageEvent(pubsubMessage({ data: Uint8Array.of(0xff, 0xfe), attributes: again.attributes })),
  );
  expect(await statuses(storage)).toEqual([{ status: 'failed-again', deaths: 2, replays: 1 }]);
});

test('a mark copied to another event settles nothing', async () => {
  const { storage, ingest, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  const { attributes } = (await replayOf(storage, 'run-1')) as { attributes: Record<string, string> };
  await ingest.deliver(replayEvent(pubsubMessage({ data: cloudEvent({ id: 'other' }), attributes })));
  expect(await ingest.rows()).toHaveLength(1);
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
});

test.each([
  ["by the trigger's own push", messageEvent],
  ['by some other push', pushBody],
  ['by a delivery without a subscription', namelessEvent],
] as const)(
  'a mark that does not come by the replay subscription settles nothing, %s',
  async (_name, form) => {
    const { storage, ingest, inspector } = sceneOf();
    await inspector.deliver(givenUpMessage(structured()));
    await ingest.deliver(form(await replayOf(storage, 'run-1')));
    expect(await ingest.rows()).toHaveLength(1);
    expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
  },
);

test('a mark of an unrecorded replay settles nothing, and attributes no death to a replay', async () => {
  const { storage, ingest, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  const made = await replayOf(storage, 'run-1');
  const attributes = { ...(made['attributes'] as Record<string, string>), deadLetterReplay: 'made-up' };
  await ingest.deliver(replayEvent({ ...made, attributes }));
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);

  const other = startMemoryInspector();
  await other.deliver(givenUpMessage({ ...made, attributes }, 'replay-ingestevent'));
  expect(await statuses(other.storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
});

test('a replay of an earlier release, recorded when it was published, is settled', async () => {
  const { storage, ingest, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  const made = await replayOf(storage, 'run-1');
  await storage.bucket('state').delete(`dead-letters/${LETTER}/sending-run-1.json`);
  const at = '2026-11-21T10:00:00.000Z';
  const mark = { letter: LETTER, key: 'run-1', topic: 'replay-ingestevent', messageId: '1', at };
  await writeReplay(storage.bucket('state'), mark);
  await ingest.deliver(replayEvent(made));
  expect(await statuses(storage)).toEqual([{ status: 'resolved', deaths: 1, replays: 1 }]);
});

test("a recorded mark, given up by the events' own subscription, attributes no death to a replay", async () => {
  const { storage, inspector } = sceneOf();
  await inspector.deliver(givenUpMessage(structured()));
  await inspector.deliver(givenUpMessage(await replayOf(storage, 'run-1'), 'eventarc-ingestEvent'));
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
});

test('an event that claims an earlier refusal is published as a dead letter, not kept silently', async () => {
  const { storage, ingest, inspector } = sceneOf();
  const attributes = {
    deadLetterFunction: 'ingestEvent',
    deadLetterReplayOf: LETTER,
    deadLetterReplay: 'run-1',
    CloudPubSubDeadLetterSourceSubscription: 'eventarc-processVideo',
  };
  const refused = pubsubMessage({ data: 'no JSON', attributes });
  await ingest.deliver(messageEvent(refused));
  expect(ingest.published).toHaveLength(1);
  const [{ attributes: sent = {} } = {}] = ingest.published;
  expect(sent).toMatchObject({ deadLetterCode: 'not-json', deadLetterFunction: 'ingestEvent' });
  expect(Object.keys(sent).filter((name) => /Replay|CloudPubSub/.test(name))).toEqual([]);
  await inspector.deliver(messageEvent(pubsubMessage({ data: 'no JSON', attributes: sent })));
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);

  // its letter is on record, so now it is a loop
  await ingest.deliver(messageEvent(refused));
  expect(ingest.published).toHaveLength(1);
  expect(ingest.logs.at(-1)).toMatchObject({ message: 'event refused', outcome: 'refused', to: 'kept' });
});

test('a copied mark does not attribute a fresh death to a replay', async () => {
  const { storage, inspector } = sceneOf();
  const attributes = { deadLetterReplayOf: 'f'.repeat(32), deadLetterReplay: 'run-1' };
  await inspector.deliver(givenUpMessage({ ...structured(), attributes }));
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 1, replays: 0 }]);
});

test('an outcome that cannot be recorded fails the delivery: it is redelivered, and the event is in the table once', async () => {
  const memory = createMemoryStorage();
  let broken = false;
  const storage: Storage = {
    bucket(name) {
      const store = memory.bucket(name);
      if (name !== 'state') return store;
      const down = () => Promise.reject(new AppError('unavailable', 'state is down'));
      return { ...store, putIfAbsent: (...args) => (broken ? down() : store.putIfAbsent(...args)) };
    },
  };
  const inspector = startMemoryInspector(storage);
  const ingest = startMemoryIngest({ storage });
  await inspector.deliver(givenUpMessage(structured()));
  const replay = replayEvent(await replayOf(storage, 'run-1'));
  broken = true;
  await expect(ingest.deliver(replay)).rejects.toThrow('state is down');
  broken = false;
  await ingest.deliver(replay);
  expect(await ingest.rows()).toHaveLength(1);
  expect(await statuses(storage)).toEqual([{ status: 'resolved', deaths: 1, replays: 1 }]);
});

test('one bad event of a replayed batch becomes its own letter; the batch is settled', async () => {
  const { storage, ingest, inspector } = sceneOf({ UNKNOWN_TYPES: 'refuse' });
  const manifest = { type: 'order.created', id: 'e-2' };
  await inspector.deliver(givenUpMessage(batch([cloudEvent(manifest)])));
  const [{ letter = '' } = {}] = await listLetters(storage.bucket('state'));
  await ingest.deliver(replayEvent(await replayOf(storage, 'run-1', letter)));
  const { data, attributes } = ingest.published.at(-1)!;
  await inspector.deliver(messageEvent(pubsubMessage({ data, attributes })));
  expect((await statuses(storage)).map(({ status }) => status).sort()).toEqual(['open', 'resolved']);
});

test.each([
  ['an unknown type', { type: 'order.created', id: 'e-2' }],
  ['no event at all', { id: 'e-2', type: '' }],
])('a bad event of a batch, %s, keeps its letter across replays', async (_name, fields) => {
  const { storage, ingest, inspector } = sceneOf({ UNKNOWN_TYPES: 'refuse' });
  const inspectLast = () => {
    const { data, attributes } = ingest.published.at(-1)!;
    return inspector.deliver(messageEvent(pubsubMessage({ data, attributes })));
  };
  await ingest.deliver(messageEvent(batch([cloudEvent(fields)])));
  await inspectLast();
  const [{ letter = '' } = {}] = await listLetters(storage.bucket('state'));
  await ingest.deliver(replayEvent(await replayOf(storage, 'run-1', letter)));
  await inspectLast();
  expect(await statuses(storage)).toEqual([{ status: 'failed-again', deaths: 2, replays: 1 }]);
});

test('two bad events of a batch that share an id are both kept', async () => {
  const { storage, ingest, inspector } = sceneOf({ UNKNOWN_TYPES: 'refuse' });
  const twins = [1, 2].map((amount) => cloudEvent({ type: 'order.created', id: 'e-2', data: { amount } }));
  const message = messageEvent(batch(twins));
  await ingest.deliver(message);
  await ingest.deliver(message);
  for (const { data, attributes } of ingest.published) {
    await inspector.deliver(messageEvent(pubsubMessage({ data, attributes })));
  }
  const kept = await inspector.deaths();
  const amounts = kept.map(({ letterMessage: { data } }) => /"amount":(\d)/.exec(atob(data))?.[1]);
  expect(amounts.sort()).toEqual(['1', '2']);
  expect(await statuses(storage)).toEqual([{ status: 'open', deaths: 2, replays: 0 }]);
});

test('a batch whose bad event got no letter is not settled by the rows of the good ones', async () => {
  const { storage, ingest, inspector } = sceneOf();
  await ingest.deliver(messageEvent(structured()));
  expect(await ingest.rows()).toMatchObject([{ event_id: ORDER_ID }]);
  await inspector.deliver(givenUpMessage(batch([cloudEvent(), { id: 'bad' }])));
  await inspector.deliver(givenUpMessage(batch([cloudEvent()])));
  expect((await statuses(storage)).map(({ status }) => status).sort()).toEqual(['open', 'resolved']);
});

test.each(['an event', 'no event'])(
  'a framework that passes no ordering key: %s keeps its letter and its key',
  async (data) => {
    const { storage, ingest, inspector } = sceneOf();
    const text = data === 'an event' ? '{"a":1}' : 'no JSON';
    await inspector.deliver(
      givenUpMessage(pubsubMessage({ data: text, attributes: { a: '1' }, orderingKey: 'k' })),
    );
    const [{ letter = '' } = {}] = await listLetters(storage.bucket('state'));
    // made of data and attributes only
    await ingest.deliver(replayPush(await replayOf(storage, 'run-1', letter)));
    const [refused] = ingest.published;
    if (refused) {
      expect(refused.attributes).toMatchObject({ deadLetterOrderingKey: 'k' });
      const again = pubsubMessage({ data: text, attributes: refused.attributes });
      await inspector.deliver(messageEvent(again));
    } else expect(await ingest.rows()).toMatchObject([{ ordering_key: 'k' }]);
    const status = refused ? 'failed-again' : 'resolved';
    expect(await statuses(storage)).toMatchObject([{ status, replays: 1 }]);
  },
);
