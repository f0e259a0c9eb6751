import type { MutationKind } from '../kind.ts';

/**
 * Every kind of outside input. To add one, add a module here that exports a MutationKind (inputs to start from, and
 * the code that reads them) and a line in this table; both suites then run it.
 */
export const KINDS: Readonly<Record<string, () => Promise<MutationKind>>> = {
  events: async () => (await import('./events.ts')).events,
  envelopes: async () => (await import('./envelopes.ts')).envelopes,
  uploads: async () => (await import('./envelopes.ts')).uploads,
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLetters,
  records: async () => (await import('./records.ts')).records,
  manifests: async () => (await import('./manifests.ts')).manifests,
  'delta-log': async () => (await import('./delta-log.ts')).deltaLog,
  mp4: async () => (await import('./media.ts')).mp4,
  matroska: async () => (await import('./media.ts')).matroska,
  avi: async () => (await import('./media.ts')).avi,
  'ffmpeg-log': async () => (await import('./media.ts')).ffmpegLog,
  parquet: async () => (await import('./parquet.ts')).parquet,
};
