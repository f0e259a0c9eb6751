import type { Command } from '../common/command.ts';
import { type Family, runFamily } from '../common/family.ts';
import type { Io } from '../common/subcommand.ts';
import type { PlaceOptions } from './place.ts';
import type { Uploads } from './uploads.ts';

const uploads: Family<Uploads, PlaceOptions> = {
  name: 'uploads',
  about: 'What uploaded videos leave behind: frames, manifests and records.',
  failed: 'something failed',
  subcommands: {
    erase: async () => (await import('./erase.ts')).erase,
  },
  opener: async () => (await import('./uploads.ts')).uploadsOpener,
};

export const uploadsCommand: Command = {
  summary: 'erases what an uploaded video left behind',
  run: (args) => runUploads(args, process),
};

export function runUploads(args: string[], io: Io): Promise<number> {
  return runFamily(uploads, args, io);
}
