import type { Storage } from '../../shared/storage/object-store.ts';
import { explainServiceError } from '../common/explain-error.ts';
import { storageOf } from '../common/service.ts';
import type { Ground, Session, Subcommand } from '../common/subcommand.ts';
import { findPlace, type Place, type PlaceOptions } from './place.ts';

/** What a subcommand works with. */
export interface Uploads extends Session {
  place: Place;
  storage: Storage;
}

export type UploadsSubcommand = Subcommand<Uploads, PlaceOptions>;

export const uploadsGround: Ground<Uploads, PlaceOptions> = {
  open(options, session, env) {
    const place = findPlace(options, env);
    return { place, storage: storageOf(place), ...session };
  },
  explain: async (error, { place }) => explainServiceError(error, place),
};
