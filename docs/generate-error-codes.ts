import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ErrorCode, RefusalCode, RetryableCode } from '../shared/core/errors.ts';

const file = fileURLToPath(new URL('error-codes.md', import.meta.url));

interface Documented {
  meaning: string;
  remedy: string;
}

const FIX_PRODUCER = 'Fix the producer, publish the event again, and discard the dead letter.';
const NEW_UPLOAD = 'Upload a file that can be read.';

/** Complete by type: a code without an entry does not compile. */
const REFUSALS: Readonly<Record<RefusalCode, Documented>> = {
  'invalid-event': {
    meaning:
      'The delivery is not an event that the function understands: an attribute is missing or malformed, or its type is one that the function does not handle.',
    remedy: FIX_PRODUCER,
  },
  'not-json': {
    meaning:
      'The data is empty, not UTF-8, or not JSON. An object with two members of the same name counts as not JSON.',
    remedy: FIX_PRODUCER,
  },
  'too-deep': {
    meaning: 'The JSON is nested deeper than `MAX_EVENT_DEPTH`.',
    remedy: 'Raise the bound, deploy and replay; or correct the producer.',
  },
  'schema-violation': {
    meaning: 'The data violates the schema of its type, or `dataschema` names a version that does not exist.',
    remedy:
      'If the schema is wrong, change it, deploy and replay. If the producer is wrong, correct it and discard.',
  },
  'unknown-type': {
    meaning: 'No schema exists for the type, and `UNKNOWN_TYPES` is `refuse`.',
    remedy: 'Add a schema or set `UNKNOWN_TYPES=accept`; deploy and replay.',
  },
  'too-large': {
    meaning:
      'An event, a batch or a video exceeds the bound that the message names: `MAX_EVENT_BYTES`, `MAX_BATCH_EVENTS`, `MAX_BYTES`, `MAX_SIDE`, `MAX_PIXELS`, or the 14 MB that can be sent inline.',
    remedy: 'Raise the bound and deploy. Replay an event; upload a video again.',
  },
  'too-long': {
    meaning: 'The video is longer than `MAX_SECONDS`, or has more tokens than Gemini takes.',
    remedy: 'Raise the bound, deploy and upload again; or cut the video.',
  },
  'too-short': {
    meaning: 'The video is shorter than `MIN_SECONDS`.',
    remedy: 'Lower the bound, deploy and upload again.',
  },
  'unsupported-media': {
    meaning:
      'Neither name nor content type says video; the container is not mp4, mov, Matroska, WebM or AVI; there is no video stream; ffmpeg has no decoder; or Gemini cannot process it.',
    remedy: NEW_UPLOAD,
  },
  'empty-object': { meaning: 'The object has 0 bytes.', remedy: NEW_UPLOAD },
  'too-costly': {
    meaning: 'Decoding the video takes more memory or time than the instance has.',
    remedy:
      'Upload a smaller version, or raise `memory` in `functions/video/definition.ts`; [decoding-memory.md](decoding-memory.md) says which clip needs how much.',
  },
  'corrupt-media': {
    meaning:
      'The file is cut off or damaged: no index, a box that ends beyond the file, or no frame that can be decoded.',
    remedy: '`ffmpeg -v error -i FILE -f null -` shows where. Repair it and upload it again.',
  },
  'object-gone': {
    meaning: 'The object was deleted before it was read.',
    remedy: 'Upload it again if it is still wanted.',
  },
  superseded: {
    meaning: 'A newer generation has the same name.',
    remedy: 'None: the newer upload has an event of its own.',
  },
  blocked: {
    meaning: 'Gemini refused the question or withheld its answer, for safety or recitation.',
    remedy: 'Change the question and upload again.',
  },
  'invalid-metadata': {
    meaning:
      "The upload's metadata is invalid: `moment` is too long, or `max-moments` or `contact-sheet` is malformed or asks for more than the operator allows.",
    remedy: 'Upload again with correct metadata.',
  },
  'outside-prefix': {
    meaning: "The object's name does not begin with `NAME_PREFIX`.",
    remedy: 'Upload under that prefix, or change the setting.',
  },
  loop: {
    meaning:
      'Functions that answer events with events have followed one another more than `MAX_HOPS` times. The message shows the chain.',
    remedy:
      'Break the loop: change what a function of the chain publishes or subscribes to, deploy, and discard. If the chain is meant to be that long, raise `MAX_HOPS`, deploy and replay.',
  },
  'too-many-events': {
    meaning: 'More than `MAX_EVENTS_PER_CORRELATION` events of one type belong to one correlation id.',
    remedy:
      'If so many are meant, raise the setting, deploy and replay; events that were published before keep their ids. Else correct the function that publishes them, and discard.',
  },
  'effect-unknown': {
    meaning:
      'A process died, or a call failed, after a side effect with `onUnknown: stop` was started. Nobody knows whether it happened.',
    remedy:
      'Check with the provider. Replay with `--effect-done` if it happened, with `--effect-again` if it did not. See [delivery and effects](delivery-and-effects.md#settling-an-unknown-effect).',
  },
};

const RETRIED: Readonly<Record<RetryableCode, Documented>> = {
  unavailable: {
    meaning: 'A service answered with 5xx or not at all, or ffmpeg was killed from outside.',
    remedy: 'Replay when the service answers again.',
  },
  quota: {
    meaning: 'A quota or a rate limit is exhausted (429).',
    remedy: 'Raise it or wait, then replay with a low `--rate`.',
  },
  timeout: {
    meaning: 'The attempt, a call or an ffmpeg command ran out of time.',
    remedy: 'See the [runbook](runbook.md#timeouts).',
  },
  busy: {
    meaning:
      'Another delivery of the same event holds the lease. The delivery is put off; this does not count as a failed attempt.',
    remedy: 'None, as a rule. See the [runbook](runbook.md#stuck-lease).',
  },
  denied: {
    meaning: 'A service refused the call (401, 403), or there are no credentials.',
    remedy: 'Grant the role that the message names, then replay. See the [runbook](runbook.md#403).',
  },
  'not-found-yet': {
    meaning: 'Gemini could not find the object that it was asked to read.',
    remedy: "Grant Vertex AI's service agent access to the bucket, then replay.",
  },
  'malformed-answer': {
    meaning: 'Gemini answered, but three times in a row not in the requested form.',
    remedy: 'Replay. If it persists, set another `GEMINI_MODEL`.',
  },
  'over-budget': {
    meaning: '`DAILY_VIDEOS` or `DAILY_GEMINI_CALLS` of this UTC day is reached.',
    remedy:
      'Replay the next day, or raise the bound and replay. See the [runbook](runbook.md#budget-reached).',
  },
  'invalid-config': {
    meaning:
      'A setting is missing or wrong, or names something that does not exist, such as a bucket, a topic or a model.',
    remedy: 'Correct the setting that the message names, deploy and replay.',
  },
  internal: {
    meaning: 'A failure that nobody planned for; its stack is recorded.',
    remedy: 'Fix what the stack shows, deploy and replay.',
  },
};

export const DOCUMENTED: Readonly<Record<ErrorCode, Documented>> = { ...REFUSALS, ...RETRIED };

/** Content of docs/error-codes.md. */
export function errorCodesDocument(): string {
  return `${[
    '# Error codes',
    'Generated by `node --import tsx docs/generate-error-codes.ts` from the closed lists in `shared/core/errors.ts`. A code without an entry does not compile.',
    'A message states the allowed value and the actual one. `npx pipeline dlq show LETTER` proposes the next step for a dead letter.',
    '## Refusals',
    'The event itself is at fault, so it is settled at once and never retried. A refused video ends in a `rejected` manifest, a refused event in a [dead letter](dead-letters.md).',
    table(REFUSALS),
    '## Retried',
    'Another delivery of the same event could succeed. Each failed attempt is recorded and retried with backoff; after the last one the event becomes a dead letter.',
    table(RETRIED),
    "## An app's own",
    'A function refuses with a code of its own, which begins with `app-`, and its definition says in `refusals` what to do: see [write a function](write-a-function.md#refuse-an-event). Such a code is a refusal like any other, in dead letters, metrics and `dlq` commands.',
    '## In dead letters only',
    table({
      unknown: {
        meaning:
          'No attempt left a record: the platform killed each of them, or nothing says which function failed.',
        remedy: "Look at the function's log at that time, and at its memory. Then replay once.",
      },
    }),
    'Errors of the table library begin with a code of their own, such as `corrupt-table` or `unsettled` (`shared/delta/delta-error.ts`). They appear as `unavailable` if the same call could succeed later, else as `internal`.',
  ].join('\n\n')}\n`;
}

function table(codes: Readonly<Record<string, Documented>>): string {
  const rows = Object.entries(codes).map(
    ([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |`,
  );
  return ['| code | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(file, errorCodesDocument());
}
