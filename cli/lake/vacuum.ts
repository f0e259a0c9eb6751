import { printable } from '../../local/terminal-text.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { parseOptions } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

export const vacuum: LakeSubcommand = {
  summary: 'deletes data files that no version within the retention needs',
  help: `usage: pipeline lake vacuum [--dry-run] [options]

Deletes data files that are not live and were neither removed nor written in the last 7 days (or longer, if
delta.deletedFileRetentionDuration is). Older versions can then no longer be read.

  --dry-run          only list what would be deleted
${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, { ...PLACE_OPTIONS, 'dry-run': { type: 'boolean', default: false } });
    const dryRun = values['dry-run'];
    return {
      place: values,
      async run({ openTable, out, progress, signal, counts }) {
        progress.start(() => `vacuum: ${counted(counts.requests, 'request')}`);
        const { files, bytes, seen } = await (await openTable()).vacuum({ dryRun, signal });
        progress.stop();
        if (dryRun) for (const file of files) await out.line(printable(file));
        const done = dryRun ? 'would be deleted (dry run)' : 'deleted';
        await out.line(`${counted(files.length, 'file')} of ${count(seen)}, ${bytesText(bytes)}: ${done}`);
        return 0;
      },
    };
  },
};
