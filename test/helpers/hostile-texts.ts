import { ProbeLog, shownFrame } from '../../functions/video/media/probe-video.ts';
import { sniffContainer } from '../../functions/video/media/sniff-container.ts';
import { cleanText } from '../../functions/video/moments/clean-text.ts';
import { readMoments } from '../../functions/video/moments/read-moments.ts';
import { parseTimestamp } from '../../functions/video/moments/timestamp.ts';
import { parseVideoEvent } from '../../functions/video/video-object.ts';
import { compileValidators } from '../../schemas/compile.ts';
import { scanJson } from '../../shared/core/json-scanner.ts';
import { readJsonText } from '../../shared/core/json-text.ts';
import { createLogger, traceFields } from '../../shared/core/log.ts';
import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import { patternOf } from '../../shared/dead-letters/fingerprint.ts';
import { functionOf, readDeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import { canonicalHash } from '../../shared/events/canonical-json.ts';
import { canonicalNumber } from '../../shared/events/canonical-number.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { parseIncomingMessage } from '../../shared/events/incoming-message.ts';
import { parsePubsubMessage } from '../../shared/events/pubsub-message.ts';
import { validateEvent } from '../../shared/events/validate.ts';
import { readAnswer } from '../../shared/vision/gemini-answer.ts';
import { fill, type Hostile, hostile } from './growth.ts';
import { TABLES, TOOLS } from './hostile-tables.ts';
import { messageEvent, pushBody } from './messages.ts';

/** Every parser of outside text, with texts that make matching, sorting or building slow. */
const DEEP = { maxDepth: 1_000 };
const hash = (text: string): string => canonicalHash(text, readJsonText(text, { ...DEEP, maxNumber: 1e9 }));
const members = (size: number, name: (index: number) => string): string => {
  const all = Array.from({ length: Math.ceil(size / 12) }, (_, index) => `"${name(index)}":0`);
  return `{${all.join(',')}}`;
};
const padded = (index: number): string => String(index).padStart(8, '0');

const JSON_TEXTS: Record<string, (size: number) => string> = {
  'numbers in an array': (size) => `[${fill('0,', size)}0]`,
  'objects in an array': (size) => `[${fill('{},', size)}{}]`,
  'objects out of order': (size) => `[${fill('{"b":0,"a":0},', size)}{}]`,
  'members in order': (size) => members(size, padded),
  'members in the opposite order': (size) => members(size, (index) => padded(10_000_000 - index)),
  'members with one beginning': (size) =>
    members(size / 20, (index) => `${'x'.repeat(200)}${padded(1e7 - index)}`),
  'members whose names are numbers': (size) =>
    members(size, (index) => String(((index * 7_919) % 1e6) * 2 ** 13)),
  'members of one name': (size) => members(size, () => 'x'),
  'levels that are closed': (size) =>
    fill(`${'['.repeat(900)}${']'.repeat(900)},`, size)
      .replace(/^/, '[')
      .replace(/,$/, ']'),
  'levels out of order': (size) => `${'{"b":0,"a":'.repeat(900)}"${'x'.repeat(size)}"${'}'.repeat(900)}`,
  'levels that are left open': (size) => fill('{"a":[', size),
  escapes: (size) => `"${fill('\\u0041\\n', size)}"`,
  'a string left open': (size) => `"${fill('\\"', size)}`,
  spaces: (size) => `${fill(' \n', size)}1`,
  'numbers out of range': (size) => `[${fill('1e999,', size)}1]`,
  'numbers of 4,000 digits': (size) => `[${fill(`${'7'.repeat(3_999)},`, size)}1]`,
};

const NUMBERS: Record<string, (size: number) => string> = {
  'zeros between two digits': (size) => `1${fill('0', size)}1`,
  'zeros behind a point': (size) => `0.${fill('0', size)}1`,
  'zeros before and behind a point': (size) => `1${fill('0', size / 2)}.${fill('0', size / 2)}1e${size}`,
  'an exponent': (size) => `1e${fill('9', size)}`,
  'an exponent and zeros': (size) => `1${fill('0', size / 2)}e${fill('9', size / 2)}`,
  'a negative exponent': (size) => `${fill('12340', size)}e-${size}`,
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const OPTIONS = {
  maxBytes: 10_000_000,
  maxDepth: 64,
  maxBatch: 10_000,
  defaultType: 'json',
  defaultSource: '//x',
};
const ingest = (input: unknown): unknown => parseIncomingMessage(input, OPTIONS);
const message = (text: string, attributes: Record<string, string> = {}): unknown =>
  messageEvent({ data: base64(text), attributes, messageId: '1' });
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const EVENT = '{"specversion":"1.0","id":"1","source":"s","type":"t","data":0},';
const attributes = (size: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: Math.ceil(size / 20) }, (_, index) => [`name-${index}`, 'value']));

const MESSAGES: Hostile[] = [
  hostile('ingest: a batch of {}', (size) => message(`[${fill('{},', size)}{}]`, BATCH), ingest),
  hostile('ingest: a batch of events', (size) => message(`[${fill(EVENT, size)}0]`, BATCH), ingest),
  hostile('ingest: a batch of one large event', (size) => message(`[[${fill('0,', size)}0]]`, BATCH), ingest),
  hostile('ingest: plain JSON', (size) => message(`[${fill('{"b":1,"a":[2.50]},', size)}0]`), ingest),
  hostile(
    'ingest: data_base64',
    (size) =>
      message(`{${EVENT.slice(1, -10)},"data_base64":"${base64(`[${fill('0,', size)}0]`)}"}`, {
        'content-type': 'application/cloudevents+json',
      }),
    ingest,
  ),
  hostile(
    'ingest: hops',
    (size) => message(`{"hops":"${fill('9', size)}"${EVENT.slice(1, -2).replace(/^/, ',')}}`),
    ingest,
  ),
  hostile(
    'ingest: links of another type',
    (size) =>
      message(`{"traceparent":${fill('[', 60)}0${fill(']', 60)},"correlation_id":"${fill('\\n', size)}"}`),
    ingest,
  ),
  hostile(
    'ingest: metadata',
    (size) => message(`{"metadata":{"traceId":"${fill('0', size)}","traceparent":"${fill('00-', size)}"}}`),
    ingest,
  ),
  hostile(
    'ingest: a batch of metadata',
    (size) => message(`[${fill('{"metadata":{"traceId":"0","correlationId":[]}},', size)}0]`, BATCH),
    ingest,
  ),
  hostile(
    'ingest: an id',
    (size) => message('{}', { 'ce-id': fill('é', size), 'ce-specversion': '1.0' }),
    ingest,
  ),
  hostile(
    'ingest: a content type',
    (size) => message('{}', { 'content-type': `${fill(' ', size)}x${fill(' ;', size)}` }),
    ingest,
  ),
  hostile(
    'ingest: a dataschema',
    (size) => fill('?/#.json', size),
    (dataschema) =>
      validateEvent(
        {
          eventId: '',
          id: '',
          type: 'video.framed',
          source: '',
          subject: undefined,
          time: undefined,
          dataschema,
          correlationId: undefined,
          causationId: undefined,
          hops: 0,
          traceparent: undefined,
          data: undefined,
        },
        { validators: VALIDATORS, unknownTypes: 'refuse' },
      ),
  ),
  hostile(
    'Pub/Sub: data that is no base64',
    (size) => pushBody({ data: fill('A=', size) }),
    parsePubsubMessage,
  ),
  hostile(
    'Pub/Sub: attributes',
    (size) => pushBody({ data: '', attributes: attributes(size) }),
    parsePubsubMessage,
  ),
  hostile(
    'Pub/Sub: a topic',
    (size) => messageEvent({}, { source: fill('/projects/a/topics/b', size) }),
    parsePubsubMessage,
  ),
  hostile('content id of an event', (size) => ({ a: fill('x', size), b: [fill('"', size)] }), contentIdOf),
  hostile(
    'upload: base64 in base64',
    (size) => ({
      specversion: '1.0',
      id: '1',
      source: 's',
      type: 'google.cloud.storage.object.v1.finalized',
      data: base64(base64(fill('{"a":', size))),
    }),
    parseVideoEvent,
  ),
  hostile(
    'upload: a bucket',
    (size) => ({ kind: 'storage#object', bucket: fill('a.', size), name: 'n', generation: '1' }),
    parseVideoEvent,
  ),
  hostile(
    'upload: a name',
    (size) => ({ kind: 'storage#object', bucket: 'abc', name: fill('a/', size), generation: '1' }),
    parseVideoEvent,
  ),
  hostile(
    'dead letter: a subscription',
    (size) => fill('processvideo-', size),
    (text) => functionOf(text, ['processVideo', 'ingestEvent']),
  ),
  hostile(
    'dead letter: an envelope',
    (size) =>
      messageEvent({
        data: base64(`{"message":${fill('[', size)}`),
        attributes: { deadLetterForm: 'envelope', deadLetterCode: 'x' },
      }),
    (input) => readDeadLetter(input, ['processVideo']),
  ),
];

const PATTERNS: Record<string, string> = {
  quotes: '"\\"',
  'quotes left open': '"a',
  'single quotes': "'\\'a",
  'words and digits': 'a-1-',
  addresses: 'a://.',
  slashes: '//a.',
  paths: '../',
  times: '2026-11-21T10:00',
  numbers: '1.',
  spaces: ' ',
  hex: '0123456789abcdef-',
  'cut texts': '"x… (1 characters) ',
};

const VALIDATORS = compileValidators();
const LARGE = { bucket: 'b', name: 'n' };
const TEXTS: Hostile[] = [
  ...Object.entries(PATTERNS).map(([name, unit]) =>
    hostile(
      `group of a reason: ${name}`,
      (size) => fill(unit, size),
      (text) => patternOf(text, [text.slice(0, 100)]),
    ),
  ),
  hostile('RFC 3339', (size) => `2026-11-21T10:00:00.${fill('0', size)}Z`, parseRfc3339),
  hostile('RFC 3339 without an end', (size) => `2026-11-21T10:00:00.${fill('0', size)}`, parseRfc3339),
  hostile(
    'traceparent',
    (size) => `00-${fill('a', size)}`,
    (text) => traceFields(text, 'p'),
  ),
  hostile(
    'log line',
    (size) => fill('\u0000"', size),
    (text) => createLogger({ write: () => {} }).info(text, { text }),
  ),
  hostile(
    'schema: pattern',
    (size) => ({
      manifest: LARGE,
      source: { ...LARGE, generation: fill('1', size) },
      attempts: 1,
      rejection: { code: 'c', reason: 'r' },
    }),
    (data) => VALIDATORS['video.rejected']!['1']!(data),
  ),
  hostile(
    'schema: items',
    (size) => Array.from({ length: Math.ceil(size / 10) }, () => ({ a: 1 })),
    (moments) => VALIDATORS['video.framed']!['1']!({ moments }),
  ),
  hostile(
    'moment of an upload',
    (size) => fill('\u202e \u200d', size),
    (text) => cleanText(text, 1_000),
  ),
  hostile(
    'Gemini: a time',
    (size) => `${fill(' ', size)}1${fill('0', size)}:${fill(' ', size)}s`,
    parseTimestamp,
  ),
  hostile(
    'Gemini: moments',
    (size) => ({
      moments: Array.from({ length: Math.ceil(size / 40) }, (_, n) => ({
        timestamp: `0:${n % 60}`,
        confidence: n / 7,
        description: 'a',
      })),
    }),
    (json) => readMoments(json, { durationSeconds: 60, step: 1, maxMoments: 3 }),
  ),
  ...(['\n', ' ', '```\n', '``` ', '\n```'] as const).map((unit) =>
    hostile(
      `Gemini: fence ${JSON.stringify(unit)}`,
      (size) => ({ candidates: [{ content: { parts: [{ text: `\`\`\`${fill(unit, size)}x` }] } }] }),
      (body) => readAnswer(body, 'm'),
    ),
  ),
  hostile('container', (size) => Buffer.from(fill('<svg ', size)), sniffContainer),
  ...(
    [
      '  Stream #0:0: Video: ',
      '[Parsed_showinfo_0 @ 0x1] n: 0 pts: 1 ',
      '[Parsed_showinfo_0 @ 0x1] config in time_base: ',
      '  Duration: ',
      '      DURATION : ',
    ] as const
  ).flatMap((head) =>
    ['1', ' ', ', 1x1', ' sar:1/1 s:1x1'].map((unit) =>
      hostile(
        `ffmpeg: ${head.trim()} ${JSON.stringify(unit)}`,
        (size) => `${head}${fill(unit, size)}`.slice(0, 1_000),
        (text) => {
          const log = new ProbeLog();
          log.line(text);
          shownFrame(text);
          return [log.result(), log.announced];
        },
      ),
    ),
  ),
];

export const HOSTILE: readonly Hostile[] = [
  ...Object.entries(JSON_TEXTS).flatMap(([name, make]) => [
    hostile(`JSON: ${name}`, make, (text) => scanJson(text, DEEP)),
    hostile(`hash of content: ${name}`, make, hash),
  ]),
  ...Object.entries(NUMBERS).flatMap(([name, make]) => [
    hostile(`number: ${name}`, make, canonicalNumber),
    hostile(`ingest: a number of ${name}`, (size) => message(make(size)), ingest),
  ]),
  ...MESSAGES,
  ...TEXTS,
  ...TABLES,
  ...TOOLS,
];
