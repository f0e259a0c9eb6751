import { expect, test } from 'vitest';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import { batch, binary, messageEvent, pubsubMessage, pushBody, structured } from '../../helpers/messages.ts';

/** Personal data, put wherever a value can be. */
const SECRET = 'jane-4711';

const rejected = (fields: Record<string, unknown>): unknown =>
  messageEvent(structured({ type: 'video.rejected', data: { attempts: 1, ...fields } }));

const INPUTS: Record<string, unknown> = {
  'no object': SECRET,
  'a message that is text': messageEvent(SECRET),
  'data that is not base64': messageEvent({ data: `*${SECRET}*` }),
  'an attribute that is not a string': messageEvent(
    pubsubMessage({ data: '{}', attributes: { a: [SECRET] } }),
  ),
  'text that is not JSON': pushBody(pubsubMessage({ data: SECRET })),
  'text behind JSON': pushBody(pubsubMessage({ data: `{"a":"${SECRET}"} ${SECRET}` })),
  'a member twice': pushBody(pubsubMessage({ data: `{"${SECRET}":1,"${SECRET}":2}` })),
  'a long number': pushBody(pubsubMessage({ data: `[4711${'1'.repeat(5_000)}]` })),
  'an id with a control character': messageEvent(structured({ id: `${SECRET}\u0000` })),
  'an invalid time': messageEvent(structured({ time: SECRET })),
  'a subject with a control character': messageEvent(structured({ subject: `${SECRET}\u0000` })),
  'a binary event with an invalid time': messageEvent(binary({ time: SECRET })),
  'invalid data_base64': messageEvent(structured({ data: undefined, data_base64: `%${SECRET}` })),
  'a field of another type': rejected({ source: SECRET }),
  'a value that is not among those allowed': rejected({ attempts: SECRET }),
  'a batch of one bad event': messageEvent(
    batch([{ specversion: '1.0', id: '1', source: SECRET, time: SECRET }]),
  ),
};

test.each(Object.entries(INPUTS))('the reason of a refusal holds no value: %s', async (_name, input) => {
  const ingest = startMemoryIngest();
  await ingest.deliver(input);
  expect(ingest.published).toHaveLength(1);
  const { deadLetterReason: reason } = ingest.published[0]!.attributes;
  expect(reason).toMatch(/must (?:be|have)|at \d+/);
  expect(reason).not.toMatch(/jane|4711/);
  expect(JSON.stringify(ingest.logs)).not.toMatch(/jane|4711/);
  expect(ingest.logs).toContainEqual(expect.objectContaining({ outcome: 'refused', reason }));
});

test('the value is in the debug log, cut', async () => {
  const { logs: lines, deliver } = startMemoryIngest({ debug: true });
  await deliver(messageEvent(structured({ time: SECRET.repeat(1_000) })));
  const shown = lines.find(({ message }) => message === 'value found');
  expect(shown).toMatchObject({ severity: 'DEBUG', code: 'invalid-event' });
  expect(String(shown?.['found'])).toMatch(/^'jane-4711/);
  expect(String(shown?.['found']).length).toBeLessThanOrEqual(1_000);
  expect(
    lines
      .filter(({ severity }) => severity !== 'DEBUG')
      .map(String)
      .join(),
  ).not.toContain(SECRET);
});
