import { fitted, textWidth } from '../../cli/common/text-width.ts';
import { indentJson, viewPayload } from '../../cli/dlq/payload.ts';
import { parsePosition } from '../../cli/lake/replay-position.ts';
import { parseMultipart } from '../../local/gcs/multipart.ts';
import { route } from '../../local/gcs/router.ts';
import { printable } from '../../local/terminal-text.ts';
import { parseQuestion } from '../../local/vertex/request.ts';
import { parseCommit } from '../../shared/delta/log/actions.ts';
import { decodeDataPath } from '../../shared/delta/log/paths.ts';
import { parseSchema } from '../../shared/delta/log/schema.ts';
import { parseStats } from '../../shared/delta/log/stats.ts';
import { logRetentionMs } from '../../shared/delta/log/table-properties.ts';
import { parseFilter } from '../../shared/events/message-filter.ts';
import { fill, type Hostile, hostile } from './growth.ts';

/** Readers of what is stored in the lake. */
export const TABLES: Hostile[] = [
  hostile(
    'Delta: a line',
    (size) => Buffer.from(`{"add":{"path":"${fill('%41', size)}"}}`),
    (body) => parseCommit(1, body),
  ),
  hostile(
    'Delta: lines',
    (size) => Buffer.from(fill('{"x":12345678901234567}\n', size)),
    (body) => parseCommit(1, body),
  ),
  hostile(
    'Delta: empty lines',
    (size) => Buffer.from(fill('\n ', size)),
    (body) => parseCommit(1, body),
  ),
  hostile('Delta: a path', (size) => fill('%2e/', size), decodeDataPath),
  hostile(
    'Delta: statistics',
    (size) => `{"minValues":{${fill('"a":9007199254740993,', size)}"b":1}}`,
    parseStats,
  ),
  hostile(
    'Delta: a schema',
    (size) => `{"fields":[${fill('{"name":"a","type":"long"},', size)}{}]}`,
    parseSchema,
  ),
  ...['1 a', '1 ', 'a1 ', '1 a '].map((unit) =>
    hostile(
      `Delta: an interval of ${unit}`,
      (size) => `interval ${fill(unit, size)}!`,
      (text) => logRetentionMs({ configuration: { 'delta.logRetentionDuration': text } } as never),
    ),
  ),
];

/** Parsers of the commands and the local cloud. */
export const TOOLS: Hostile[] = [
  hostile(
    'payload shown',
    (size) => Buffer.from(`{"a":"${fill('\\n', size)}"}`),
    (data) => viewPayload(data, { full: true }),
  ),
  hostile('payload indented', (size) => `[${fill('[],', size)}0]`, indentJson),
  hostile('text fit for a terminal', (size) => fill('\u001b[', size), printable),
  hostile(
    'width of a text',
    (size) => fill('é\u0301', size),
    (text) => [textWidth(text), fitted(text, 40)],
  ),
  hostile('position of a replay', (size) => `1/${fill('Z/', size)}`, parsePosition),
  hostile('filter of a subscription', (size) => fill('NOT (', size), parseFilter),
  hostile(
    'address of an object',
    (size) => `/storage/v1/b/${fill('%2F/', size)}`,
    (path) => route('GET', path, new URLSearchParams()),
  ),
  hostile(
    'boundary of a body',
    (size) => fill('boundary="', size),
    (type) => void parseMultipart(type, (async function* () {})()).catch(() => {}),
  ),
  hostile('question', (size) => `{"contents":${fill('[', size)}`, parseQuestion),
];
