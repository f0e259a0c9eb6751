import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../shared/core/errors.ts';
import { keepRefusals } from '../../shared/invocation/refusals.ts';
import { type DlqScene, startDlq } from '../helpers/dlq.ts';
import { messageEvent, pubsubMessage } from '../helpers/messages.ts';
import { plainPubsub, textOf } from '../helpers/pubsub.ts';

const UNREAD = 'dead-letters-unread';
let scene: DlqScene;
let api: ReturnType<typeof plainPubsub>;
beforeEach(async () => {
  scene = await startDlq({ pubsub: true });
  const { server } = scene.pubsub!;
  for (const topic of [UNREAD, 'dead-letters']) server.ensureTopic(topic);
  api = plainPubsub(() => server.url);
  await api.createSubscription(UNREAD, UNREAD);
  await api.createSubscription('seen-dead-letters', 'dead-letters');
});
afterEach(() => scene.close());

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const inspectors = {
  CloudPubSubDeadLetterSourceSubscription: 'eventarc-inspectDeadLetter',
  CloudPubSubDeadLetterSourceDeliveryCount: '30',
};
const refusedByIngest = {
  data: base64('poison'),
  attributes: {
    ...inspectors,
    deadLetterCode: 'not-json',
    deadLetterReason: 'data is \u001b[31mred',
    deadLetterFunction: 'ingestEvent',
    deadLetterForm: 'original',
  },
};
const unread = (...args: string[]) => scene.here(['unread', ...args]);

async function waiting(): Promise<{ messageId: string; function?: string }[]> {
  return (await scene.json('unread'))['unread'] as { messageId: string; function?: string }[];
}

test('letters that the inspector gave up are listed, saved, put back unchanged and dropped with a note; listing removes nothing', async () => {
  const empty = await unread();
  expect(empty).toMatchObject({ code: 0, stdout: 'there are no unread dead letters\n' });
  await api.publish(UNREAD, refusedByIngest, { data: base64('given up'), attributes: inspectors });
  const listed = await unread();
  expect(listed.stdout).toMatch(/not-json .*data is .*red/);
  expect(listed.stdout).not.toContain('\u001b');
  expect(listed.stdout).toContain('2 unread dead letters');
  const [first, second] = await waiting();
  expect([first?.function, second?.function]).toEqual(['ingestEvent', undefined]);

  const file = join(scene.dir, 'payload.bin');
  expect(await unread(first!.messageId, '--payload', file)).toMatchObject({ code: 0 });
  expect(await readFile(file, 'utf8')).toBe('poison');

  // the origin of the second one is lost: Pub/Sub overwrote it with the inspector's subscription
  const back = await unread('--put-back', '--all');
  expect(back).toMatchObject({ code: 1 });
  expect(back.stdout).toBe(
    '1 dead letter put back\n1 skipped: their function is unknown, name it with --function\n',
  );
  const [got] = await scene.received('dead-letters');
  expect(textOf(got!)).toBe('poison');
  const {
    CloudPubSubDeadLetterSourceSubscription: _,
    CloudPubSubDeadLetterSourceDeliveryCount: __,
    ...rest
  } = refusedByIngest.attributes;
  expect(got!.message.attributes).toEqual(rest);
  expect(await unread(second!.messageId, '--put-back', '--function', 'processVideo')).toMatchObject({
    code: 0,
  });
  const [named] = await scene.received('dead-letters');
  expect(named!.message.attributes).toEqual({
    CloudPubSubDeadLetterSourceSubscription: 'put-back-processVideo',
  });
  expect(await waiting()).toEqual([]);

  await api.publish(UNREAD, refusedByIngest);
  const [third] = await waiting();
  expect(await unread(third!.messageId, '--drop')).toMatchObject({ code: 2 });
  expect(await unread(third!.messageId, '--drop', '--reason', 'junk')).toMatchObject({ code: 0 });
  expect(await waiting()).toEqual([]);
  const note = await scene.state.get(`unread/${third!.messageId}.json`);
  expect(JSON.parse(Buffer.from(note!.body).toString())).toMatchObject({ reason: 'junk', bytes: 6 });
});

test('refused events that became no dead letter are listed, discarded with a reason, and put back', async () => {
  const keep = keepRefusals(async () => scene.state);
  for (const [eventId, data] of [
    ['a'.repeat(64), 'x'],
    ['b'.repeat(64), 'y'],
  ] as const) {
    const error = new AppError('not-json', `data is "${data}"`);
    const input = messageEvent(pubsubMessage({ data, attributes: { k: '1' } }));
    await keep({ function: 'ingestEvent', eventId, error, input, at: new Date('2026-11-21T10:00:00Z') });
  }
  const refused = (...args: string[]) => scene.here(['refused', ...args]);
  const listed = await refused();
  expect(listed.stdout).toMatch(/aaaaaaaaaaaa +open +ingestEvent +not-json +2026-11-21T10:00:00Z/);
  expect(listed.stdout).toContain('2 refused events without a dead letter');
  expect(await refused('aaaa', '--discard', '--reason', 'a loop')).toMatchObject({ code: 0 });
  expect((await refused()).stdout).toContain('1 refused event without a dead letter');
  expect((await refused('--all')).stdout).toMatch(/aaaaaaaaaaaa +discarded/);
  expect(await refused('bbbb', '--put-back')).toMatchObject({ code: 0 });
  const [got] = await scene.received('dead-letters');
  expect(textOf(got!)).toBe('y');
  expect(got!.message.attributes).toMatchObject({
    k: '1',
    deadLetterCode: 'not-json',
    deadLetterFunction: 'ingestEvent',
    deadLetterEventId: 'b'.repeat(64),
  });
  expect((await refused()).stdout).toBe('0 refused events without a dead letter\n');
  expect(await refused('cccc', '--put-back')).toMatchObject({ code: 1 });
});
