import { core } from '../../../../functions/app.ts';
import { subjectOf } from '../../../../shared/app/subject.ts';
import { isRefusal } from '../../../../shared/core/errors.ts';
import { replayMarkOf } from '../../../../shared/events/replay-mark.ts';
import {
  finalizedEvent,
  notificationEvent,
  notificationMessage,
  objectResource,
} from '../../../helpers/events.ts';
import {
  batch,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  pushBody,
  structured,
} from '../../../helpers/messages.ts';
import { type Ending, type MutationKind, sometimesAsIs } from '../kind.ts';
import { mutateJson, NASTY_TOKENS, pick } from '../mutate.ts';
import { readAsIngest, refuse } from './messages.ts';

/** Without fixed values each run would have different inputs. */
const FIXED = { messageId: '7', publishTime: '2026-11-21T10:00:00.123Z' };
const MESSAGES = [
  messageEvent(structured({}, FIXED)),
  messageEvent(batch([cloudEvent(), cloudEvent({ id: '2' })], FIXED)),
  pushBody(pubsubMessage({ data: { a: 1 }, orderingKey: 'k', attributes: { type: 't' }, ...FIXED })),
  messageEvent(pubsubMessage({ data: {}, ...FIXED }), {
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }),
];

const OBJECT = { bucket: 'raw', name: 'in/clip.mp4', generation: '1763683200000001' };
const UPLOADS = [
  finalizedEvent(OBJECT),
  objectResource(OBJECT),
  notificationEvent(OBJECT),
  pushBody(notificationMessage(OBJECT)),
  pushBody({
    data: Buffer.from(JSON.stringify(finalizedEvent(OBJECT))).toString('base64'),
    attributes: { 'content-type': 'application/cloudevents+json' },
  }),
];

/** The parsers of every function, on deliveries mutated as JSON. */
function delivered(
  inputs: readonly unknown[],
  tokens: readonly string[],
  read: (input: unknown) => Ending | Promise<Ending>,
): MutationKind {
  const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? 'null');
  const all = [...NASTY_TOKENS, ...tokens, ...tokens];
  return {
    async open() {
      return {
        make: sometimesAsIs(inputs.map(encode), (random) =>
          encode(mutateJson(pick(random, inputs), random, all)),
        ),
        read: (bytes) => read(JSON.parse(Buffer.from(bytes).toString())),
      };
    },
  };
}

async function readBy(name: string, input: unknown): Promise<Ending> {
  replayMarkOf(input);
  try {
    await subjectOf(core, name, input);
    return 'read';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refuse(error, input);
    return 'refused';
  }
}

/** Pub/Sub envelopes: ingestEvent, and every other function that may receive one. */
export const envelopes = delivered(
  MESSAGES,
  ['message', 'attributes', 'data', 'messageId', 'publishTime', 'specversion', 'ce-id', 'content-type'],
  async (input) => {
    for (const { name } of core.functions) await readBy(name, input);
    return readAsIngest(input);
  },
);

/** Announcements of uploads, in every form: processVideo. */
export const uploads = delivered(
  UPLOADS,
  ['bucket', 'name', 'generation', 'kind', 'storage#object', 'bucketId', 'eventType', '1.0', 'data'],
  (input) => readBy('processVideo', input),
);
