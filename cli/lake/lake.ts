import { DeltaTable, type Snapshot, type TableLocation } from '../../shared/delta/index.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { storageOf } from '../common/service.ts';
import type { Ground, Session, Subcommand } from '../common/subcommand.ts';
import { countingStore, type StoreCounts } from './counting-store.ts';
import { explainError } from './explain-error.ts';
import { findPlace, type Place, type PlaceOptions } from './place.ts';

/** What a subcommand is given. */
export interface Lake extends Session {
  place: Place;
  location: TableLocation;
  /** What has been read so far. */
  counts: StoreCounts;
  openTable(): Promise<DeltaTable>;
}

export type LakeSubcommand = Subcommand<Lake, PlaceOptions>;

export const lakeGround: Ground<Lake, PlaceOptions> = {
  open(options, session, env) {
    const place = findPlace(options, env);
    const counts = { requests: 0, bytes: 0 };
    const location = {
      store: countingStore(storageOf(place).bucket(place.bucket), counts),
      path: place.path,
    };
    const openTable = (): Promise<DeltaTable> => DeltaTable.open(location.store, location.path);
    return { place, location, counts, openTable, ...session };
  },
  explain: (error, { place, location }) => explainError(error, place, location),
};

/** The column that identifies rows; undefined if another writer's table has none. */
export function idColumnOf({ fields }: Snapshot): string | undefined {
  return fields.find(({ name, type }) => name === EVENT_ID && type === 'string')?.name;
}
