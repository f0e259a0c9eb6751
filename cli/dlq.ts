import { type Family, runFamily } from './common/family.ts';
import type { Io } from './common/subcommand.ts';
import type { Dlq } from './dlq/dlq.ts';
import type { PlaceOptions } from './dlq/place.ts';
import type { Command } from './main.ts';

const dlq: Family<Dlq, PlaceOptions> = {
  name: 'dlq',
  about:
    'Dead letters: events that a function refused or that were given up, with why, how often and what to do.',
  failed: 'something was left, failed again or could not be done',
  subcommands: {
    list: async () => (await import('./dlq/list.ts')).list,
    show: async () => (await import('./dlq/show.ts')).show,
    replay: async () => (await import('./dlq/replay.ts')).replay,
    discard: async () => (await import('./dlq/discard.ts')).discard,
    erase: async () => (await import('./dlq/erase.ts')).erase,
    refused: async () => (await import('./dlq/refused.ts')).refused,
    unread: async () => (await import('./dlq/unread.ts')).unread,
    stats: async () => (await import('./dlq/stats.ts')).stats,
  },
  ground: async () => (await import('./dlq/dlq.ts')).dlqGround,
};

export const dlqCommand: Command = {
  summary: 'shows dead letters, and puts them back',
  run: (args) => runDlq(args, process),
};

export function runDlq(args: string[], io: Io): Promise<number> {
  return runFamily(dlq, args, io);
}
