import { bytesText, counted } from '../common/numbers.ts';
import { parseOptions } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

export const checkpoint: LakeSubcommand = {
  summary: 'writes a checkpoint, so that the table opens quickly',
  help: `usage: pipeline lake checkpoint [options]

Writes the state of the newest version as one file, so that readers need not replay the log. Safe while
writers are active.

${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, PLACE_OPTIONS);
    return {
      place: values,
      async run({ openTable, out, progress, counts }) {
        progress.start(() => `checkpoint: ${counted(counts.requests, 'request')}`);
        const { version, actions, size } = await (await openTable()).checkpoint();
        progress.stop();
        await out.line(`checkpoint of version ${version}: ${counted(actions, 'action')}, ${bytesText(size)}`);
        return 0;
      },
    };
  },
};
