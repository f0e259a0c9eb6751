import { bucketPlan } from '../deploy/parts/buckets.ts';
import { KEPT_DAYS, UNREAD_DAYS } from '../deploy/parts/wanted-subscriptions.ts';
import { core } from '../functions/app.ts';
import { DAY_MS, fileRetentionMs, logRetentionMs } from '../shared/delta/index.ts';

/** One kind of data that the pipeline keeps. */
export interface KeptData {
  /** Bucket key (`raw`, `frames`, `state`, `lake`) or service that holds it. */
  place: string;
  /** Names of the objects, below the bucket. */
  names: string;
  holds: string;
  /** Retention, and what ends it. */
  until: string;
  /** The command that erases it earlier. */
  erase: string;
}

const untouched = { configuration: {} };
const FILE_DAYS = fileRetentionMs(untouched) / DAY_MS;
const LOG_DAYS = logRetentionMs(untouched) / DAY_MS;

/** All kept data, with place and retention. Numbers come from the deployment and the table format. */
export const KEPT_DATA: readonly KeptData[] = [
  {
    place: 'raw',
    names: 'as uploaded',
    holds: 'the video and its custom metadata',
    until: `deleted by its owner, or by \`--raw-days\`; then ${softDelete('raw')}`,
    erase: "`gcloud storage rm 'gs://RAW/NAME#GENERATION'`",
  },
  {
    place: 'frames',
    names: '`NAME/GENERATION/`',
    holds:
      'frames, contact sheets, previews, clips and the manifest of each question: name of the video, question, times, correlation id',
    until: `erased; then ${softDelete('frames')}`,
    erase: '`pipeline uploads erase gs://RAW/NAME`',
  },
  {
    place: 'state',
    names: '`videos/`',
    holds: "the model's answers about a video, the lease of an attempt, the mark of the published event",
    until: expiry('videos/'),
    erase: '`pipeline uploads erase gs://RAW/NAME`',
  },
  {
    place: 'state',
    names: '`conflicts/`',
    holds:
      'for each event that was dropped because another one has its id: id, source, types, times and hashes of both contents, but no content',
    until: expiry('conflicts/'),
    erase: '`pipeline lake erase`, with the row',
  },
  {
    place: 'state',
    names: '`failures/`',
    holds: 'code, message and stack of each failed attempt; messages may quote names',
    until: expiry('failures/'),
    erase: '`pipeline uploads erase` for uploads; else with its dead letter',
  },
  {
    place: 'state',
    names: '`budget/`',
    holds: "the slots of a day's bounds and of correlation ids, each with the id of its upload or event",
    until: expiry('budget/'),
    erase: 'none: it expires',
  },
  {
    place: 'state',
    names: '`effects/`',
    holds: 'when each side effect of an event was started and done, and the value that it returned',
    until: expiry('effects/'),
    erase: 'with its dead letter (`pipeline dlq erase`)',
  },
  {
    place: 'state',
    names: '`records/`',
    holds: 'what handlers have decided about an event',
    until: expiry('records/'),
    erase: 'with its dead letter (`pipeline dlq erase`)',
  },
  {
    place: 'state',
    names: '`dead-letters/`',
    holds: 'dead letters with the whole message, their replays and discards, with who ran them',
    until: expiry('dead-letters/'),
    erase: '`pipeline dlq erase`',
  },
  {
    place: 'state',
    names: '`refused/`',
    holds: 'events that were refused and could not be published as dead letters, up to 256 KiB each',
    until: expiry('refused/'),
    erase: '`pipeline dlq erase`, or `pipeline dlq refused --discard`',
  },
  {
    place: 'state',
    names: '`erased/`',
    holds: 'ids and function of an erased dead letter, the reason and who erased it',
    until: expiry('erased/'),
    erase: 'none: it expires',
  },
  {
    place: 'state',
    names: '`unread/`',
    holds: 'the id of a dropped message that the inspector could not read, the reason and who dropped it',
    until: expiry('unread/'),
    erase: 'none: it expires',
  },
  {
    place: 'state',
    names: '`maintenance/`',
    holds: 'the lease of a maintenance run; no data about anybody',
    until: 'the end of the run',
    erase: 'none',
  },
  {
    place: 'lake',
    names: '`events/*.parquet`',
    holds:
      'every event whole, as a row; if several instances wrote at the time, what the log says of a file is in its metadata, too',
    until: `erased; the old file then ${FILE_DAYS} days (\`delta.deletedFileRetentionDuration\`, never less than ${FILE_DAYS}), until vacuum`,
    erase: '`pipeline lake erase`',
  },
  {
    place: 'lake',
    names: '`dead-letters/*.parquet`',
    holds: 'one row per dead letter: function, code, message, ids; not the payload',
    until: `erased; the old file then ${FILE_DAYS} days, until vacuum`,
    erase: '`pipeline dlq erase`',
  },
  {
    place: 'lake',
    names: '`*/_delta_log/`',
    holds:
      'for each file and column, up to 32 characters of the smallest and the largest value, and 64 bits of each id; for each erasure, the columns and counts of its filter, its reason and who ran it, but no value',
    until: `${LOG_DAYS} days (\`delta.logRetentionDuration\`), then until the log's clean-up finds a newer checkpoint of that age`,
    erase: 'none: it expires',
  },
  {
    place: 'lake',
    names: '`*/_id_index/`',
    holds: '44 bits of each id, which identify nobody; those of erased ids stay',
    until: 'the last two are kept; a deleted index is rebuilt from the table',
    erase: '`gcloud storage rm -r gs://LAKE/events/_id_index` (the next cold start reads all ids)',
  },
  {
    place: 'Pub/Sub',
    names: 'all subscriptions',
    holds: 'messages that nobody has acknowledged yet',
    until: `${KEPT_DAYS} days`,
    erase: '`gcloud pubsub subscriptions seek SUBSCRIPTION --time=…` (all messages up to then)',
  },
  {
    place: 'Pub/Sub',
    names: '`dead-letters-kept`',
    holds: 'a second, raw copy of every dead letter, which nobody acknowledges',
    until: `${KEPT_DAYS} days`,
    erase: 'as above',
  },
  {
    place: 'Pub/Sub',
    names: '`dead-letters-unread`',
    holds: 'dead letters that the inspector gave up on',
    until: `${UNREAD_DAYS} days`,
    erase: '`pipeline dlq unread MESSAGE --drop --reason TEXT`',
  },
  {
    place: 'Cloud Logging',
    names: 'bucket `_Default` and Error Reporting',
    holds: 'one line per invocation: names of objects, ids, reasons; no payload',
    until: "30 days, unless the project's settings say otherwise",
    erase: 'none: it expires',
  },
  {
    place: 'Cloud Monitoring',
    names: 'log-based metrics',
    holds: 'counts by function, outcome and code; no data about anybody',
    until: "24 months, Google's retention",
    erase: 'none',
  },
  {
    place: 'Vertex AI',
    names: 'requests',
    holds: 'the video and the question, while it answers',
    until: "Google's terms for Vertex AI: caching up to 24 hours, unless it is disabled for the project",
    erase: 'none',
  },
];

function softDelete(key: string): string {
  return `${bucketPlan(key, core).softDeleteDays} days of soft delete`;
}

function expiry(prefix: string): string {
  const rule = bucketPlan('state', core).lifecycle.find(({ condition }) =>
    condition.matchesPrefix?.includes(prefix),
  );
  if (rule === undefined) throw new Error(`the state bucket has no rule for ${prefix}`);
  return `${rule.condition.age} days (bucket lifecycle)`;
}
