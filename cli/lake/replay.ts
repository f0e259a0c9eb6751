import { randomUUID } from 'node:crypto';
import type { Filter } from '../../shared/delta/index.ts';
import { inBatches } from '../common/in-batches.ts';
import { counted, secondsText } from '../common/numbers.ts';
import { Failure, parseOptions, quoted, UsageError, wholeNumber } from '../common/options.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import type { Lake, LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { parseMessageLine } from './replay-message.ts';
import { describePicked, pickMessages } from './replay-pick.ts';
import {
  type Position,
  parsePosition,
  positionText,
  readSaved,
  type SavedReplay,
  writeSaved,
} from './replay-position.ts';
import { parseTopic, type Topic, topicPublisher } from './replay-topic.ts';
import { SortedLines } from './sorted-lines.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, type VersionChoice, versionChoice } from './versions.ts';

const DEFAULT_RATE = 100;

export const replay: LakeSubcommand = {
  summary: 'publishes stored events again',
  help: `usage: pipeline lake replay --topic TOPIC [filters] [options]

Publishes the events that match all of the filters again, in the order of their first arrival. Each keeps its
data byte for byte, its attributes as far as the table has them, its correlation id and its event_id: a table that
has it already does not change. An event without a causation id gets its own id as causation id, and all messages
carry the attribute replayId.

  --topic TOPIC      short (of GOOGLE_CLOUD_PROJECT) or projects/P/topics/T
${FILTER_HELP}  --rate N           publish at most N events per second (default ${DEFAULT_RATE})
  --dry-run          show what would be published, and publish nothing
  --position FILE    keep the position in this file; the same command then continues a stopped replay
  --from POSITION    continue after this position, which a stopped replay has printed
${VERSION_HELP}${PLACE_HELP}
Ctrl-C stops the replay between two messages. A message whose publish was not confirmed is published again.
`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      ...VERSION_OPTIONS,
      topic: { type: 'string' },
      rate: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      position: { type: 'string' },
      from: { type: 'string' },
    });
    const { topic, position: file, from } = values;
    if (topic === undefined) throw new UsageError('--topic must be given: the topic to publish to');
    if (from !== undefined && file !== undefined) {
      throw new UsageError('--from and --position cannot be combined');
    }
    if (from !== undefined && (values.version !== undefined || values['as-of'] !== undefined)) {
      throw new UsageError('--from includes the version: it cannot be combined with --version or --as-of');
    }
    if (file === '') throw new UsageError('--position must be the name of a file, got ""');
    const rate = wholeNumber('rate', values.rate, { min: 1, max: 100_000 }) ?? DEFAULT_RATE;
    const checked = parseTopic(topic);
    const { rate: _rate, 'dry-run': dryRun, position: _position, ...what } = values;
    const plan = (now: number): Plan => ({
      filter: toFilter(values, now),
      version: versionChoice(values, now),
    });
    // report wrong usage now, not when the work begins
    plan(Date.now());
    const start = from === undefined ? undefined : parsePosition(from);
    return {
      place: values,
      run: (lake) =>
        run(lake, { what: JSON.stringify(what), topic: checked, rate, dryRun, file, start, plan }),
    };
  },
};

interface Plan {
  filter: Filter;
  version: VersionChoice;
}

interface Options {
  what: string;
  topic: Topic;
  rate: number;
  dryRun: boolean;
  file: string | undefined;
  start: Position | undefined;
  plan(now: number): Plan;
}

async function run(lake: Lake, options: Options): Promise<number> {
  const { out, progress, signal, clock, location, place } = lake;
  const { file, topic, what } = options;
  const saved = (file === undefined ? undefined : readSaved(file)) ?? newReplay(what, lake, options);
  const replayOf = `${place.url} ${what}`;
  if (saved.replay !== replayOf) {
    throw new Failure(
      `${file} is the position of another replay, ${quoted(saved.replay)}: name another file`,
    );
  }
  if (saved.isComplete) {
    await out.line(`${file}: all ${counted(saved.published, 'event')} are already published`);
    return 0;
  }
  const publish = options.dryRun ? undefined : topicPublisher(lake, topic);
  const { filter, version } = options.plan(saved.started);
  const resumed = saved.position === '' ? options.start : parsePosition(saved.position);
  const wanted = resumed ? { version: resumed.version, asOf: undefined } : version;
  const snapshot = await loadVersion(location, wanted, signal);
  const lines = new SortedLines();
  try {
    const picked = await pickMessages(lake, snapshot, filter, resumed?.after, saved.replayId, lines);
    if (publish === undefined) {
      await describePicked(lake, picked, options);
      return 0;
    }
    const position: Position = { version: snapshot.version, after: resumed?.after };
    const before = saved.published;
    const started = clock.now();
    progress.start(
      () =>
        `replay: ${counted(saved.published - before, 'event')} of ${lines.count} to ${topic.name}, ${secondsText(clock.now() - started)}`,
    );
    const save = (isComplete: boolean): void => {
      Object.assign(saved, { position: positionText(position), isComplete });
      if (file !== undefined) writeSaved(file, saved);
    };
    let failure: unknown;
    try {
      save(lines.count === 0);
      await inBatches(lines.sorted(), {
        rate: options.rate,
        clock,
        signal,
        sizeOf: ({ text }) => text.length,
        async send(batch) {
          await publish.publish(
            topic.name,
            batch.map(({ text }) => parseMessageLine(text)),
          );
          saved.published += batch.length;
          position.after = batch.at(-1)?.key;
          save(saved.published - before === lines.count);
        },
      });
    } catch (error) {
      failure = error;
    } finally {
      publish.close();
    }
    progress.stop();
    const done = saved.published - before;
    const seconds = secondsText(clock.now() - started);
    await out.line(
      `${counted(done, 'event')} of ${lines.count} published to ${topic.name} in ${seconds}, replayId ${saved.replayId}`,
    );
    if (failure === undefined && done === lines.count) return 0;
    await out.line(
      file === undefined
        ? `continue with --from '${positionText(position)}'`
        : 'run the same command again to continue',
    );
    throw failure ?? signal.reason;
  } finally {
    await lines.remove();
  }
}

function newReplay(what: string, { place, clock }: Lake, { start }: Options): SavedReplay {
  return {
    replay: `${place.url} ${what}`,
    started: clock.now(),
    replayId: randomUUID(),
    position: start === undefined ? '' : positionText(start),
    published: 0,
    isComplete: false,
  };
}
