import type { App } from '../../shared/app/define-app.ts';
import type { LoadedApp } from '../../shared/app/load-app.ts';
import { AppError } from '../../shared/core/errors.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import { openApp } from '../common/app.ts';
import { explainServiceError } from '../common/explain-error.ts';
import { storageOf } from '../common/service.ts';
import type { Opener, Session, Subcommand } from '../common/subcommand.ts';
import { findPlace, type Place, type PlaceOptions } from './place.ts';

/** Context of the subcommands. */
export interface Dlq extends Session {
  place: Place;
  storage: Storage;
  /** Bucket with the dead letters. */
  state: ObjectStore;
  /** Loads the app whose functions the letters were for. Throws UsageError. */
  app(): Promise<App>;
}

export type DlqSubcommand = Subcommand<Dlq, PlaceOptions>;

export const dlqOpener: Opener<Dlq, PlaceOptions> = {
  open(options, session, env) {
    const place = findPlace(options, env);
    const storage = storageOf(place);
    let app: Promise<LoadedApp> | undefined;
    return {
      ...{ place, storage, state: storage.bucket(place.stateBucket) },
      async app() {
        app ??= openApp(place.appDir);
        return (await app).app;
      },
      ...session,
    };
  },
  explain: async (error, { place }) => {
    const isMissing = error instanceof AppError && error.code === 'invalid-config';
    if (!isMissing || !error.message.includes(place.stateBucket)) return explainServiceError(error, place);
    const hint = place.isLocal ? '' : ' and the service (--local DIR, --cloud)';
    return `bucket ${place.stateBucket} does not exist in ${place.where}: check --state-bucket${hint}`;
  },
};
