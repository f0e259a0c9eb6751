import type { Command } from '../common/command.ts';
import { type Family, runFamily } from '../common/family.ts';
import type { Io } from '../common/subcommand.ts';
import type { Lake } from './lake.ts';
import type { PlaceOptions } from './place.ts';

const lake: Family<Lake, PlaceOptions> = {
  name: 'lake',
  about:
    'The table of events: every event once, in a Delta Lake table on Cloud Storage or in the local cloud.',
  failed: 'the table is damaged or something could not be done',
  subcommands: {
    info: async () => (await import('./info.ts')).info,
    history: async () => (await import('./history.ts')).history,
    head: async () => (await import('./head.ts')).head,
    query: async () => (await import('./query.ts')).query,
    search: async () => (await import('./search.ts')).search,
    views: async () => (await import('./views.ts')).views,
    verify: async () => (await import('./verify.ts')).verify,
    conflicts: async () => (await import('./conflicts.ts')).conflicts,
    compact: async () => (await import('./compact.ts')).compact,
    checkpoint: async () => (await import('./checkpoint.ts')).checkpoint,
    vacuum: async () => (await import('./vacuum.ts')).vacuum,
    erase: async () => (await import('./erase.ts')).erase,
    replay: async () => (await import('./replay.ts')).replay,
  },
  opener: async () => (await import('./lake.ts')).lakeOpener,
};

export const lakeCommand: Command = {
  summary: 'shows and maintains the table of events',
  run: (args) => runLake(args, process),
};

export function runLake(args: string[], io: Io): Promise<number> {
  return runFamily(lake, args, io);
}
