import { type Family, runFamily } from './common/family.ts';
import type { Io } from './common/subcommand.ts';
import type { Lake } from './lake/lake.ts';
import type { PlaceOptions } from './lake/place.ts';
import type { Command } from './main.ts';

const lake: Family<Lake, PlaceOptions> = {
  name: 'lake',
  about:
    'The table of events: every event once, in a Delta Lake table on Cloud Storage or in the local cloud.',
  failed: 'something is wrong with the table or was not done',
  subcommands: {
    info: async () => (await import('./lake/info.ts')).info,
    history: async () => (await import('./lake/history.ts')).history,
    head: async () => (await import('./lake/head.ts')).head,
    query: async () => (await import('./lake/query.ts')).query,
    verify: async () => (await import('./lake/verify.ts')).verify,
    compact: async () => (await import('./lake/compact.ts')).compact,
    checkpoint: async () => (await import('./lake/checkpoint.ts')).checkpoint,
    vacuum: async () => (await import('./lake/vacuum.ts')).vacuum,
    erase: async () => (await import('./lake/erase.ts')).erase,
    replay: async () => (await import('./lake/replay.ts')).replay,
  },
  ground: async () => (await import('./lake/lake.ts')).lakeGround,
};

export const lakeCommand: Command = {
  summary: 'looks into the table of events and looks after it',
  run: (args) => runLake(args, process),
};

export function runLake(args: string[], io: Io): Promise<number> {
  return runFamily(lake, args, io);
}
