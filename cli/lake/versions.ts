import {
  DeltaError,
  loadSnapshot,
  type Snapshot,
  type TableLocation,
  versionAt,
  versionRange,
} from '../../shared/delta/index.ts';
import { Failure, UsageError, wholeNumber } from '../common/options.ts';
import { formatMicros, parseTime, TIME_HELP } from '../common/time.ts';

export const VERSION_OPTIONS = { version: { type: 'string' }, 'as-of': { type: 'string' } } as const;

export const VERSION_HELP = `  --version N        the table as of version N
  --as-of TIME       the table as it was then
`;

/** The requested version of the table; the newest if neither is given. */
export interface VersionChoice {
  version: number | undefined;
  asOf: Date | undefined;
}

/** Throws UsageError. */
export function versionChoice(
  values: { version?: string | undefined; 'as-of'?: string | undefined },
  now: number,
): VersionChoice {
  const asOf = values['as-of'];
  const version = wholeNumber('version', values.version, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (version !== undefined && asOf !== undefined) {
    throw new UsageError('--version and --as-of cannot be combined');
  }
  if (asOf === undefined) return { version, asOf: undefined };
  // a commit's time is that of its file, in milliseconds
  return { version, asOf: new Date(Number(parseTime('as-of', asOf, now) / 1_000n)) };
}

export { TIME_HELP };

/** Throws Failure with the range of versions if the requested one is not in it. */
export async function loadVersion(
  location: TableLocation,
  { version, asOf }: VersionChoice,
  signal: AbortSignal,
): Promise<Snapshot> {
  if (version === undefined && asOf === undefined) return loadSnapshot(location, undefined, signal);
  try {
    if (version !== undefined) return await loadSnapshot(location, version, signal);
    const newest = await loadSnapshot(location, undefined, signal);
    const then = await versionAt(location, newest.version, asOf as Date, signal);
    return then === newest.version ? newest : await loadSnapshot(location, then, signal);
  } catch (error) {
    if (!(error instanceof DeltaError) || error.code === 'table-not-found') throw error;
    const range = await versionRange(location, signal);
    if (error.code !== 'version-not-found' && (version ?? range.newest) >= range.oldest) throw error;
    const asked =
      version === undefined
        ? `no version is as old as ${asOf?.toISOString()}`
        : `there is no version ${version}`;
    const since =
      range.since === undefined
        ? ''
        : `; the oldest dates from ${formatMicros(BigInt(range.since.getTime()) * 1_000n)}`;
    throw new Failure(`${asked}: versions ${range.oldest} to ${range.newest} can be read${since}`);
  }
}
