import { core } from '../../../../functions/app.ts';
import { rowOf } from '../../../../functions/ingest/events-table.ts';
import { validatorsOf } from '../../../../functions/ingest/validators.ts';
import { type AppError, isRefusal } from '../../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../../shared/dead-letters/dead-letter-message.ts';
import { contentIdOf } from '../../../../shared/events/content-id.ts';
import { parseIncomingMessage } from '../../../../shared/events/incoming-message.ts';
import type { ReadOptions } from '../../../../shared/events/read-events.ts';
import { validateEvent } from '../../../../shared/events/validate.ts';
import type { Ending } from '../kind.ts';

const OPTIONS: ReadOptions = {
  maxBytes: 64 * 1024,
  maxDepth: 64,
  maxBatch: 100,
  defaultType: 'json',
  defaultSource: '//test',
};

/** Attributes as `name: value` lines, an empty line, and the data, so that every mutant is a message. */
export function encodeMessage(message: Readonly<Record<string, unknown>>): Buffer {
  const attributes = Object.entries((message['attributes'] ?? {}) as Record<string, string>);
  const head = attributes.map(([name, value]) => `${name}: ${value}\n`).join('');
  return Buffer.concat([Buffer.from(`${head}\n`), Buffer.from(String(message['data'] ?? ''), 'base64')]);
}

export function decodeMessage(bytes: Uint8Array): Record<string, unknown> {
  const all = Buffer.from(bytes);
  const end = all.indexOf('\n\n');
  const head = all.subarray(0, end < 0 ? 0 : end).toString();
  const lines = head.split('\n').map((line) => line.split(/: (.*)/s));
  return {
    data: all.subarray(end < 0 ? 0 : end + 2).toString('base64'),
    attributes: Object.fromEntries(lines.map(([name = '', value = '']) => [name, value])),
    messageId: '7',
    publishTime: '2026-11-21T10:00:00.123Z',
  };
}

/** Reads a message as ingestEvent does, up to the row or the dead letter. */
export function readAsIngest(input: unknown): Ending {
  let refusals = 0;
  const refused = (error: unknown, what: unknown): void => {
    if (!isRefusal(error)) throw error;
    refuse(error, what);
    refusals++;
  };
  try {
    const { message, read } = parseIncomingMessage(input, OPTIONS);
    for (const outcome of read.outcomes) {
      try {
        if (outcome.kind === 'refused') throw outcome.error;
        validateEvent(outcome.event, { validators: validatorsOf(core), unknownTypes: 'accept' });
        rowOf(outcome.event, message, 0);
      } catch (error) {
        refused(error, input);
      }
    }
  } catch (error) {
    refused(error, input);
  }
  return refusals > 0 ? 'refused' : 'read';
}

/** Handling a refusal must work for every input, too. */
export function refuse(error: AppError, input: unknown): void {
  const eventId = contentIdOf(input);
  const { attributes } = deadLetterMessage({ function: 'f', eventId, error, input, at: new Date(0) });
  for (const value of Object.values(attributes)) {
    if (Buffer.byteLength(value) > 1_024)
      throw new Error(`an attribute has ${Buffer.byteLength(value)} bytes`);
  }
}
