import { binaryRequest } from '../../helpers/events.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';
import { randomFrom } from '../../helpers/random.ts';
import type { Delivery } from './sender.ts';

/** Hundreds of large messages whose common part is one buffer, so that the attacker needs little memory. */

const MARK = 'THE-DATA';

/** One event of about `bytes` bytes with this id. */
export function largeEvent(id: string, bytes: number): Delivery {
  return delivery('application/cloudevents+json', eventParts(id, bytes));
}

/** A batch of `count` events of about `bytes` bytes each, with ids `id-0` and so on. */
export function largeBatch(id: string, count: number, bytes: number): Delivery {
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    parts.push(encoded(index === 0 ? '[' : ','), ...eventParts(`${id}-${index}`, bytes));
  }
  return delivery('application/cloudevents-batch+json', [...parts, encoded(']')]);
}

/** A message with any text as its data. */
export function messageOf(contentType: string, text: string): Delivery {
  return delivery(contentType, [Buffer.from(Buffer.from(text).toString('base64'))]);
}

function delivery(contentType: string, data: Buffer[]): Delivery {
  const message = { ...pubsubMessage({ attributes: { 'content-type': contentType } }), data: MARK };
  const { headers, body } = binaryRequest(messageEvent(message));
  const [before = '', after = ''] = body.split(MARK);
  return { headers, body: [Buffer.from(before), ...data, Buffer.from(after)] };
}

function eventParts(id: string, bytes: number): Buffer[] {
  const head = `"specversion":"1.0","id":"${id}","source":"//attacker","type":"large","data":"`;
  // white space is allowed inside an object, and pads to whole groups of three
  const open = `{${' '.repeat((300 - head.length - 1) % 3)}`;
  return [encoded(open + head), padding(bytes - head.length), encoded('"} ')];
}

/** Base64 of text whose length is a multiple of three, so that parts can be concatenated. */
function encoded(text: string): Buffer {
  return Buffer.from(Buffer.from(text.padEnd(Math.ceil(text.length / 3) * 3)).toString('base64'));
}

const paddings = new Map<number, Buffer>();

/** Characters that hardly compress. */
function padding(bytes: number): Buffer {
  const groups = Math.max(0, Math.floor(bytes / 3));
  const known = paddings.get(groups);
  if (known) return known;
  const random = randomFrom(groups);
  const text = Buffer.alloc(groups * 3);
  for (let at = 0; at < text.length; at++) text[at] = 97 + Math.floor(random() * 26);
  const made = Buffer.from(text.toString('base64'));
  paddings.set(groups, made);
  return made;
}
