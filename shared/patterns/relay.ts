import { type Clock, systemClock } from '../core/clock.ts';
import { type AppError, isRefusal, toAppError } from '../core/errors.ts';
import { mapConcurrent } from '../core/map-concurrent.ts';
import type { OutgoingMessage, Publisher } from '../gcp/pubsub.ts';
import type { Database } from './sql.ts';

export interface RelayOptions {
  publisher: Publisher;
  /** Name of a topic, by its key in the app. */
  topicNamed(key: string): string;
  /** Called for each event that Pub/Sub has confirmed. */
  onPublished?(event: { topic: string; type: string; id: string; messageId: string }): void;
  /** Time after which it claims nothing more, in ms. Default 20,000. */
  maxMs?: number;
  clock?: Pick<Clock, 'now'>;
  /** How long a relay that died keeps its streams from others, in ms. Default 30,000. */
  leaseMs?: number;
}

export interface Relayed {
  published: number;
  /** True if its time was up before the outbox was empty: somebody should start another run. */
  hasMore: boolean;
  /** Errors of streams whose next event Pub/Sub refuses: they wait, and each later run tries them again. */
  refused: AppError[];
}

/** Streams that a relay claims at a time. */
const STREAMS = 100;
/** Rows that it reads of them at a time. */
const ROWS = 1_000;
const PARALLEL = 8;
const LEASE_MS = 30_000;
const MAX_MS = 20_000;

/**
 * Claims streams by their first event that is not published. Whoever has claimed that row publishes the stream; others
 * skip it as long as the claim lasts. No transaction is open while Pub/Sub is asked: it would hold locks and keep old
 * rows alive for as long as Pub/Sub takes to answer.
 */
const CLAIM = `
with heads as (
  select position from outbox head
  where published_at is null
    and (claimed_until is null or claimed_until < clock_timestamp())
    and stream <> all($3::text[])
    and not exists (
      select from outbox earlier
      where earlier.stream = head.stream and earlier.published_at is null and earlier.position < head.position
    )
  order by position
  limit $1
  for update skip locked
)
update outbox set claimed_until = clock_timestamp() + $2 * interval '1 millisecond'
from heads where outbox.position = heads.position
returning outbox.stream`;

const NEXT = `
select position, stream, topic, id, type, data, attributes, ordering_key as "orderingKey"
from outbox where stream = any($1) and published_at is null
order by position limit $2`;

const MARK = 'update outbox set published_at = clock_timestamp() where position = any($1::bigint[])';
const RELEASE =
  'update outbox set claimed_until = null where stream = any($1) and claimed_until is not null and published_at is null';

interface Row {
  /** A bigint, as text. */
  position: string;
  stream: string;
  topic: string;
  id: string;
  type: string;
  data: string;
  attributes: Record<string, string>;
  orderingKey: string | null;
}

/**
 * Publishes what the outbox holds until it is empty or its time is up, the events of a stream in order. Any number of relays may run at
 * the same time. An event is marked after Pub/Sub has confirmed it, so that one whose relay dies in between is
 * published again, with the same id.
 *
 * Throws what `Publisher.publish` throws if Pub/Sub cannot be reached, and what `Sql` does.
 */
export async function relay(database: Database, options: RelayOptions): Promise<Relayed> {
  const { leaseMs = LEASE_MS, maxMs = MAX_MS, clock = systemClock } = options;
  const until = clock.now() + maxMs;
  const all: Relayed = { published: 0, refused: [], hasMore: true };
  /** Streams that are left to a later run. */
  const left: string[] = [];
  while (clock.now() < until) {
    const { rows: claimed } = await database.query<{ stream: string }>(CLAIM, [STREAMS, leaseMs, left]);
    if (claimed.length === 0) return { ...all, hasMore: false };
    const streams = claimed.map(({ stream }) => stream);
    const { rows } = await database.query<Row>(NEXT, [streams, ROWS]);
    const { published, refused, failure } = await publishStreams(rows, options);
    await database.query(MARK, [published]);
    all.published += published.length;
    for (const { stream, error } of refused) {
      left.push(stream);
      all.refused.push(error);
    }
    if (failure === undefined) continue;
    await database.query(RELEASE, [streams]);
    throw failure;
  }
  return all;
}

interface StreamsDone {
  /** Positions. */
  published: string[];
  refused: { stream: string; error: AppError }[];
  failure: AppError | undefined;
}

async function publishStreams(rows: readonly Row[], options: RelayOptions): Promise<StreamsDone> {
  const done: StreamsDone = { published: [], refused: [], failure: undefined };
  await mapConcurrent(byStream(rows), PARALLEL, async (stream) => {
    for (const run of runsOf(stream)) {
      // once Pub/Sub is out of reach, the other streams need not find out for themselves
      if (done.failure) return;
      const outcome = await publishRun(run, options);
      done.published.push(...outcome.published);
      if (outcome.error === undefined) continue;
      const { error } = outcome;
      if (isRefusal(error)) done.refused.push({ stream: run[0]!.stream, error });
      else done.failure = error;
      return;
    }
  });
  return done;
}

/** One request; or if Pub/Sub refuses it, one for each event up to the one that is at fault. */
async function publishRun(
  run: readonly Row[],
  { publisher, topicNamed, onPublished, leaseMs = LEASE_MS }: RelayOptions,
): Promise<{ published: string[]; error?: AppError }> {
  const published: string[] = [];
  // afterwards another relay may claim the stream
  const signal = AbortSignal.timeout(leaseMs);
  const send = async (rows: readonly Row[]): Promise<void> => {
    const { topic } = rows[0]!;
    const ids = await publisher.publish(topicNamed(topic), rows.map(messageOf), { signal });
    for (const [index, { position, type, id }] of rows.entries()) {
      published.push(position);
      onPublished?.({ topic, type, id, messageId: ids[index] ?? '' });
    }
  };
  try {
    try {
      await send(run);
    } catch (error) {
      if (!isRefusal(error) || run.length === 1) throw error;
      for (const one of run) await send([one]);
    }
    return { published };
  } catch (error) {
    return { published, error: toAppError(error) };
  }
}

function messageOf({ data, attributes, orderingKey }: Row): OutgoingMessage {
  return { data, attributes, ...(orderingKey !== null && { orderingKey }) };
}

function byStream(rows: readonly Row[]): Row[][] {
  const streams = new Map<string, Row[]>();
  for (const row of rows) {
    const stream = streams.get(row.stream) ?? [];
    streams.set(row.stream, stream);
    stream.push(row);
  }
  return [...streams.values()];
}

/** Neighbours with the same topic: one request has one topic. */
function runsOf(stream: readonly Row[]): Row[][] {
  const runs: Row[][] = [];
  for (const row of stream) {
    const last = runs.at(-1);
    if (last?.[0]?.topic === row.topic) last.push(row);
    else runs.push([row]);
  }
  return runs;
}
