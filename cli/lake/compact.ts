import { bytesText, count, counted, secondsText } from '../common/numbers.ts';
import { parseOptions, wholeNumber } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { idColumnOf, type Lake } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

/** Number of times a rewrite is planned again after another writer removed its input. */
const MAX_CONFLICTS = 10;
/** No rewrite of a step begins later than this. */
const STEP_MS = 200;

export const compact: LakeSubcommand = {
  summary: 'rewrites small files into larger ones, sorted by id',
  help: `usage: pipeline lake compact [options]

Rewrites small files into larger ones, sorted by id, with bloom filters, so that a look-up is one small read. No row
changes, and writers continue meanwhile. Each rewrite is a separate commit, so an interrupted run keeps its progress.

  --min-files N      do nothing with fewer new files than this (default 4)
${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, { ...PLACE_OPTIONS, 'min-files': { type: 'string' } });
    const minFiles = wholeNumber('min-files', values['min-files'], { min: 2, max: 1_000_000 });
    return {
      place: values,
      run: (lake) => run(lake, { ...(minFiles !== undefined && { minFiles }) }),
    };
  },
};

async function run(lake: Lake, options: { minFiles?: number }): Promise<number> {
  const { openTable, out, progress, signal, clock, counts } = lake;
  const started = clock.now();
  const table = await openTable();
  const idColumn = idColumnOf(await table.snapshot({ signal }));
  const total = { rewrites: 0, filesRemoved: 0, filesAdded: 0, rows: 0, bytes: 0 };
  progress.start(
    () =>
      `${counted(total.rewrites, 'rewrite')}, ${counted(total.filesRemoved, 'file')} into ${count(total.filesAdded)}; ` +
      `${bytesText(counts.bytes)} read, ${secondsText(clock.now() - started)}`,
  );
  const summary = (): string =>
    `${counted(total.filesRemoved, 'file')} rewritten into ${count(total.filesAdded)}: ` +
    `${counted(total.rows, 'row')}, ${bytesText(total.bytes)}, ${counted(total.rewrites, 'commit')}, ${secondsText(clock.now() - started)}`;
  let conflicts = 0;
  let leftOut = 0;
  let maxMs = STEP_MS;
  try {
    for (;;) {
      // small steps, to show progress; larger ones if planning alone takes as long
      const step = await table.compact({ ...options, idColumn, maxMs, signal });
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += step[key];
      leftOut = step.leftOut.length;
      if (step.isComplete) break;
      if (step.rewrites === 0) maxMs *= 2;
      if (step.conflict !== undefined && ++conflicts > MAX_CONFLICTS) {
        progress.stop();
        await out.line(summary());
        progress.note(
          `gave up: other writers removed its files ${counted(conflicts, 'time')}; try again later`,
        );
        return 1;
      }
      signal.throwIfAborted();
    }
  } catch (error) {
    progress.stop();
    if (total.rewrites > 0) await out.line(summary());
    throw error;
  }
  progress.stop();
  await out.line(total.rewrites === 0 ? 'nothing to compact' : summary());
  if (leftOut > 0) {
    progress.note(
      `${counted(leftOut, 'file')} skipped: written by another engine, with column types that are not supported here`,
    );
  }
  return 0;
}
