import { AppError } from '../../shared/core/errors.ts';
import { parseIncomingMessage } from '../../shared/events/incoming-message.ts';
import { messageEvent } from './messages.ts';

/** Reads 10 MB messages that expand to as many values as possible, and prints how each ended. */
const SIZE = 10_000_000;
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const fill = (unit: string, size = SIZE): string => unit.repeat(Math.floor(size / unit.length));
const members = (): string =>
  Array.from({ length: SIZE / 14 }, (_, index) => `"${String(1e8 - index).padStart(9, '0')}":0`).join(',');

const MESSAGES: Record<string, () => [text: string, attributes: Record<string, string>]> = {
  'a batch of empty objects': () => [`[${fill('{},')}{}]`, BATCH],
  'a batch of zeros': () => [`[${fill('0,')}0]`, BATCH],
  'a batch of one event of zeros': () => [`[[${fill('0,')}0]]`, BATCH],
  'a batch of one event of objects': () => [`[{"data":[${fill('{},')}{}]}]`, BATCH],
  'a batch of one event of many members': () => [`[{${members()}}]`, BATCH],
  'an event of zeros': () => [`[${fill('0,', 1_000_000)}0]`, {}],
  'an event of objects': () => [`[${fill('{},', 1_000_000)}{}]`, {}],
  'an event of objects out of order': () => [`[${fill('{"b":0,"a":0},', 1_000_000)}{}]`, {}],
  'an event of numbers out of range': () => [`[${fill('1e999,', 1_000_000)}0]`, {}],
  'an event of 10 MB': () => [`[${fill('0,')}0]`, {}],
};

const options = {
  maxBytes: 1024 * 1024,
  maxDepth: 64,
  maxBatch: 10_000,
  defaultType: 'json',
  defaultSource: '//x',
};

for (const [name, make] of Object.entries(MESSAGES)) {
  const [text, attributes] = make();
  const input = messageEvent({ data: Buffer.from(text).toString('base64'), attributes, messageId: '1' });
  process.stdout.write(`${JSON.stringify([name, endOf(input)])}\n`);
}

function endOf(input: unknown): string {
  try {
    const { outcomes } = parseIncomingMessage(input, options).read;
    return outcomes.map((outcome) => (outcome.kind === 'event' ? 'event' : outcome.error.message)).join();
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
