import type { Command } from '../common/command.ts';
import { type Family, runFamily } from '../common/family.ts';
import type { Io } from '../common/subcommand.ts';
import type { Dlq } from './dlq.ts';
import type { PlaceOptions } from './place.ts';

const dlq: Family<Dlq, PlaceOptions> = {
  name: 'dlq',
  about:
    'Dead letters: events that a function refused or gave up on, with their cause, their attempts and what to do next.',
  failed: 'something was skipped, failed again or could not be done',
  subcommands: {
    list: async () => (await import('./list.ts')).list,
    show: async () => (await import('./show.ts')).show,
    replay: async () => (await import('./replay.ts')).replay,
    discard: async () => (await import('./discard.ts')).discard,
    erase: async () => (await import('./erase.ts')).erase,
    refused: async () => (await import('./refused.ts')).refused,
    unread: async () => (await import('./unread.ts')).unread,
    stats: async () => (await import('./stats.ts')).stats,
  },
  opener: async () => (await import('./dlq.ts')).dlqOpener,
};

export const dlqCommand: Command = {
  summary: 'shows and replays dead letters',
  run: (args) => runDlq(args, process),
};

export function runDlq(args: string[], io: Io): Promise<number> {
  return runFamily(dlq, args, io);
}
