import { isRefusal } from '../../shared/core/errors.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { ownIdOf } from '../../shared/events/cloud-event.ts';
import type { PubsubMessage } from '../../shared/events/pubsub-message.ts';
import { readEvents } from '../../shared/events/read-events.ts';
import { randomFrom } from './random.ts';

const OPTIONS = {
  maxBytes: 1_000_000,
  maxDepth: 20,
  maxBatch: 100,
  defaultType: 'json',
  defaultSource: '//none',
};
const NO_DELIVERY = {
  messageId: undefined,
  publishTime: undefined,
  orderingKey: undefined,
  topic: undefined,
};

/** Members of all forms; each is left out, or has a value of its own form or of any other kind. */
const MEMBERS: Readonly<Record<string, readonly unknown[]>> = {
  specversion: ['1.0', '0.3'],
  id: ['7', 'e-1', 7],
  source: ['//shop', 'aws.ec2', '//x'],
  type: ['order.created', 'charge.paid', 'Notification'],
  data: [{ n: 1 }, { n: 2 }, 'text', [1]],
  data_base64: ['e30='],
  subject: ['orders/7'],
  time: ['2026-11-21T10:00:00Z', 'yesterday'],
  event: ['Signed Up', { type: 'x' }],
  'detail-type': ['Order Placed'],
  detail: [{ n: 1 }, {}],
  resources: [['arn:a', 'arn:b'], []],
  topic: ['/subscriptions/s'],
  eventType: ['recordInserted'],
  eventTime: ['2026-06-26T18:41:00.9584103Z'],
  object: ['event', 'v2.core.event'],
  created: [1_795_000_000, '2026-09-17T06:20:52.246Z'],
  insertId: ['i-1'],
  logName: ['projects/p/logs/l'],
  timestamp: ['2026-05-27T16:24:56.135Z', 1_795_000_000_000],
  protoPayload: [{ serviceName: 's', methodName: 'm' }, { serviceName: 's' }],
  MessageId: ['m-1'],
  TopicArn: ['arn:t'],
  Type: ['Notification'],
  eventSource: ['aws:s3'],
  eventName: ['ObjectCreated:Put'],
  responseElements: [{ 'x-amz-request-id': 'R' }, {}],
  s3: [{ bucket: { name: 'b' }, object: { key: 'k' } }, { bucket: 'b' }],
  metadata: [{ correlationId: 'c-1' }, 'text'],
  order: [1, 2, 3],
};
const NAMES = Object.keys(MEMBERS);
/** Members that belong together, so that whole forms are frequent. */
const GROUPS: readonly (readonly string[])[] = [
  ['specversion', 'id', 'source', 'type', 'data'],
  ['id', 'source'],
  ['type', 'source', 'id'],
  ['type', 'source', 'data'],
  ['detail-type', 'source', 'id', 'detail'],
  ['id', 'topic', 'subject', 'eventType', 'eventTime'],
  ['protoPayload', 'insertId', 'logName', 'timestamp'],
  ['MessageId', 'TopicArn', 'Type'],
  ['object', 'id', 'type', 'created'],
  ['eventSource', 'eventName', 'responseElements', 's3'],
  [],
];
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  'content-type': ['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'],
  'ce-id': ['7', 'e-1'],
  'ce-specversion': ['1.0'],
  'ce-source': ['//shop', '//x'],
  'ce-type': ['order.created'],
  type: ['order.created'],
  source: ['//shop'],
  'x-github-event': ['push'],
  'x-github-delivery': ['d-1'],
};

type Random = () => number;
const pick = <T>(values: readonly T[], random: Random): T => values[Math.floor(random() * values.length)]!;

function randomObject(random: Random, serial: number): Record<string, unknown> {
  const names = new Set(pick(GROUPS, random));
  for (let more = Math.floor(random() * 4); more > 0; more--) names.add(pick(NAMES, random));
  const entries = [...names].map((name): [string, unknown] => {
    if (random() < 0.05) return [name, pick([null, 7, {}, [], '', 'a\u0000b', '\ud800'], random)];
    // most are unlike all others, the rest collide often
    const isNew = random() < 0.3 && typeof MEMBERS[name]![0] === 'string';
    return [name, isNew ? `${name}-${serial}` : pick(MEMBERS[name]!, random)];
  });
  return Object.fromEntries(entries.filter(() => random() > 0.03));
}

function randomBody(random: Random, serial: number): unknown {
  const shape = random();
  if (shape > 0.15) return randomObject(random, serial);
  const elements = Array.from({ length: Math.floor(random() * 4) }, () => randomObject(random, serial));
  return shape > 0.05 ? elements : { Records: elements };
}

/** The same value with its members in another order and with spaces. */
function shuffled(value: unknown, random: Random): string {
  if (Array.isArray(value)) return `[ ${value.map((one) => shuffled(one, random)).join(' , ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, one]) => ({ at: random(), name, one }));
  members.sort((a, b) => a.at - b.at);
  return `{ ${members.map(({ name, one }) => `${JSON.stringify(name)} : ${shuffled(one, random)}`).join(',')}}`;
}

/** One text for equal content; the values here need no more than this of RFC 8785. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join()}}`;
}

interface Identified {
  eventId: string;
  /** What it identifies: an id with its source, or a content. */
  what: string;
}

function identitiesIn(text: string, attributes: Record<string, string>): Identified[] | 'refused' {
  const message: PubsubMessage = { data: Buffer.from(text), attributes, ...NO_DELIVERY };
  try {
    return readEvents(message, OPTIONS).outcomes.map((outcome) => {
      if (outcome.kind === 'refused') return { eventId: 'refused', what: 'refused' };
      const { event } = outcome;
      const id = ownIdOf(event);
      const what =
        id === undefined
          ? `content ${canonical(JSON.parse(outcome.text))}`
          : `id ${JSON.stringify([id, event.source])}`;
      return { eventId: event.eventId, what };
    });
  } catch (error) {
    if (isRefusal(error)) return 'refused';
    throw error;
  }
}

export interface FormsReport {
  objects: number;
  events: number;
  identities: number;
  refused: number;
  /** Objects that were read differently in another order of their members. */
  unstable: string[];
  /** Identities that two different events share, or events with two identities. */
  ambiguous: string[];
}

/** Reads random objects between the forms, each written in two ways. Throws what no reader may throw. */
export function readRandomForms(objects: number, seed: number): FormsReport {
  const random = randomFrom(seed);
  const byId = new Map<string, string>();
  const byWhat = new Map<string, string>();
  const report: FormsReport = { objects, events: 0, identities: 0, refused: 0, unstable: [], ambiguous: [] };
  for (let serial = 0; serial < objects; serial++) {
    const body = randomBody(random, serial);
    const given = Object.entries(ATTRIBUTES).filter(() => random() < 0.06);
    const attributes = Object.fromEntries(given.map(([name, values]) => [name, pick(values, random)]));
    const read = identitiesIn(JSON.stringify(body), attributes);
    const again = identitiesIn(shuffled(body, random), attributes);
    const keys = (found: typeof read): unknown =>
      found === 'refused' ? found : found.map((one) => one.eventId);
    if (JSON.stringify(keys(read)) !== JSON.stringify(keys(again)))
      report.unstable.push(JSON.stringify([body, attributes]));
    if (read === 'refused') {
      report.refused++;
      continue;
    }
    for (const { eventId, what } of read) {
      if (eventId === 'refused') continue;
      report.events++;
      // short, since there are a million
      const [id, hash] = [eventId.slice(0, 24), sha256(what).slice(0, 24)];
      if ((byId.get(id) ?? hash) !== hash || (byWhat.get(hash) ?? id) !== id) report.ambiguous.push(what);
      byId.set(id, hash);
      byWhat.set(hash, id);
    }
  }
  return { ...report, identities: byId.size };
}
