import { ask } from '../cli/ask/ask.ts';
import { bucketName } from '../cli/common/app.ts';
import { UsageError, wholeNumber } from '../cli/common/options.ts';
import type { Lake } from '../cli/lake/lake.ts';
import type { Exchange } from '../local/http/server.ts';
import { DeltaError } from '../shared/delta/index.ts';
import type { ObjectStore } from '../shared/storage/object-store.ts';
import { Problem } from './answers.ts';
import type { EventsAnswer, UploadKey } from './api-types.ts';
import { type Backlogs, describeApp } from './app-picture.ts';
import { readBudget } from './budget.ts';
import { type Commands, runJson } from './commands.ts';
import {
  eventsOf,
  listCommits,
  listEvents,
  searchEvents,
  showEvent,
  showTable,
  verifyTable,
} from './events.ts';
import { FUNCTION_ROUTES } from './function-routes.ts';
import { jsonBody } from './json-body.ts';
import { discardJson, lettersOf, listLettersJson, replayJson, showLetterJson } from './letters.ts';
import { sendObject } from './media.ts';
import { receiveVideo } from './receive-video.ts';
import { readRunning } from './running.ts';
import { showUpload } from './upload.ts';
import { listUploads, MOST_UPLOADS } from './uploads.ts';

export interface Call {
  commands: Commands;
  exchange: Exchange;
}

export interface Route {
  /** Everything that changes something is a POST. */
  method: 'GET' | 'POST';
  /** Undefined if it has answered itself. */
  answer(call: Call): Promise<unknown>;
}

const get = (answer: Route['answer']): Route => ({ method: 'GET', answer });
const post = (answer: Route['answer']): Route => ({ method: 'POST', answer });

/** The JSON API, by the path below `api/`. */
export const ROUTES: Readonly<Record<string, Route>> = {
  app: get(appAnswer),
  uploads: get(async ({ commands, exchange: { query, signal } }) =>
    listUploads(commands.uploads(signal), {
      cursor: query.get('next') ?? undefined,
      prefix: query.get('prefix') ?? '',
      limit:
        wholeNumber('limit', query.get('limit') ?? undefined, { min: 1, max: MOST_UPLOADS }) ?? MOST_UPLOADS,
      raw: await rawBucket(commands, signal),
      lake: lakeOf(commands, signal),
    }),
  ),
  upload: get(async ({ commands, exchange: { query, signal } }) =>
    showUpload(commands.uploads(signal), keyOf(query)),
  ),
  media: get(async ({ commands, exchange }) => {
    const { bucket, ...object } = keyOf(exchange.query);
    const { storage, place } = commands.uploads(exchange.signal);
    const raw = await rawBucket(commands, exchange.signal);
    if (bucket !== place.framesBucket && bucket !== raw?.bucket) {
      const hint = raw === undefined ? ': set RAW_BUCKET to play videos of a deployed project' : '';
      throw new Problem(403, `only the videos' and the frames bucket are shown, got ${bucket}${hint}`);
    }
    await sendObject(exchange, storage.bucket(bucket), object);
  }),
  receive: post(async ({ commands, exchange }) => {
    const { place } = commands.uploads(exchange.signal);
    const raw = await rawBucket(commands, exchange.signal);
    if (!place.isLocal || place.storage === undefined || raw === undefined) {
      throw new Problem(409, 'videos are dropped into a local cloud only: use gcloud storage cp');
    }
    return receiveVideo(exchange, { apiEndpoint: place.storage, bucket: raw.bucket });
  }),
  ask: post(async ({ commands, exchange }) => {
    const { moment, ...video } = await jsonBody(exchange);
    if (typeof moment !== 'string') throw new Problem(400, 'moment must be text');
    const object = keyOf({ get: (field) => (typeof video[field] === 'string' ? video[field] : null) });
    const url = `gs://${object.bucket}/${object.name}#${object.generation}`;
    const context = commands.ask(exchange.signal);
    return (await runJson(ask, ['--json', '--wait=0', '--', url, moment], context)).value;
  }),
  letters: get(({ commands, exchange: { query, signal } }) => listLettersJson(commands.dlq(signal), query)),
  letter: get(({ commands, exchange: { query, signal } }) =>
    showLetterJson(commands.dlq(signal), query.get('id') ?? ''),
  ),
  replay: post(async ({ commands, exchange }) =>
    replayJson(commands.dlq(exchange.signal), await jsonBody(exchange)),
  ),
  discard: post(async ({ commands, exchange }) =>
    discardJson(commands.dlq(exchange.signal), await jsonBody(exchange)),
  ),
  events: get(({ commands, exchange: { query, signal } }) =>
    listEvents(commands.lake(signal), query).catch(ifNoTable(NO_EVENTS)),
  ),
  search: get(({ commands, exchange: { query, signal } }) => searchEvents(commands.lake(signal), query)),
  event: get(({ commands, exchange: { query, signal } }) =>
    showEvent(commands.lake(signal), query.get('id') ?? ''),
  ),
  commits: get(({ commands, exchange: { query, signal } }) => listCommits(commands.lake(signal), query)),
  table: get(({ commands, exchange: { signal } }) => showTable(commands.lake(signal)).catch(ifNoTable(null))),
  trace: get(async ({ commands, exchange: { query, signal } }) => {
    const id = query.get('id') ?? '';
    const [events, letters] = await Promise.all([
      eventsOf(commands.lake(signal), id).catch(ifNoTable([])),
      lettersOf(commands.dlq(signal), id),
    ]);
    return { events, letters };
  }),
  budget: get(({ commands, exchange: { signal } }) => readBudget(commands.dlq(signal))),
  ...FUNCTION_ROUTES,
  verify: get(({ commands, exchange: { signal } }) => verifyTable(commands.lake(signal))),
};

const NO_EVENTS: EventsAnswer = { rows: [], version: null, read: { requests: 0, bytes: 0, of: 0 } };

/** Before the first event, there is no table: nothing is wrong. */
function ifNoTable<T>(answer: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof DeltaError && error.code === 'table-not-found') return answer;
    throw error;
  };
}

/** An object as the page names it. */
function keyOf(query: { get(field: string): string | null }): UploadKey {
  const [bucket = '', name = '', generation = ''] = ['bucket', 'name', 'generation'].map(
    (field) => query.get(field) ?? '',
  );
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)) {
    throw new Problem(400, `bucket must be the name of a bucket, got ${JSON.stringify(bucket.slice(0, 80))}`);
  }
  if (name === '' || Buffer.byteLength(name) > 1_024) {
    throw new Problem(400, `name must have 1 to 1,024 bytes, got ${Buffer.byteLength(name)}`);
  }
  if (!/^[1-9]\d{0,18}$/.test(generation)) {
    throw new Problem(400, `generation must be a number, got ${JSON.stringify(generation.slice(0, 80))}`);
  }
  return { bucket, name, generation };
}

/** The bucket of the uploads; undefined if the app has none or it is not configured. */
async function rawBucket(commands: Commands, signal: AbortSignal): Promise<ObjectStore | undefined> {
  const { storage, place } = commands.uploads(signal);
  const app = await commands.dlq(signal).app();
  const name = bucketName('raw', app, { env: commands.env, isLocal: place.isLocal });
  return Object.hasOwn(app.buckets, 'raw') && name !== undefined ? storage.bucket(name) : undefined;
}

/** Undefined if no table is configured. */
function lakeOf(commands: Commands, signal: AbortSignal): Lake | undefined {
  try {
    return commands.lake(signal);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

async function appAnswer({ commands, exchange: { signal } }: Call): Promise<unknown> {
  const { place, app } = commands.dlq(signal);
  const { where, isLocal, pubsub } = place;
  const backlogs = isLocal && pubsub !== undefined ? await readBacklogs(pubsub, signal) : undefined;
  const running = readRunning(place);
  return describeApp(await app(), { where, isLocal, backlogs, running, now: Date.now() });
}

/** Undefined if the Pub/Sub is another's, such as the official emulator. */
async function readBacklogs(pubsub: string, signal: AbortSignal): Promise<Backlogs | undefined> {
  try {
    const answer = await fetch(new URL('/_stats', pubsub), { signal });
    if (!answer.ok) return undefined;
    return ((await answer.json()) as { subscriptions?: Backlogs }).subscriptions;
  } catch {
    return undefined;
  }
}
