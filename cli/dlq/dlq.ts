import type { App } from '../../shared/app/define-app.ts';
import type { LoadedApp } from '../../shared/app/load-app.ts';
import { AppError } from '../../shared/core/errors.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import { openApp } from '../common/app.ts';
import { explainServiceError } from '../common/explain-error.ts';
import { storageOf } from '../common/service.ts';
import type { Ground, Session, Subcommand } from '../common/subcommand.ts';
import { findPlace, type Place, type PlaceOptions } from './place.ts';

/** What a subcommand works with. */
export interface Dlq extends Session {
  place: Place;
  storage: Storage;
  /** Where the letters are. */
  state: ObjectStore;
  /** Whose functions the letters were for. Throws UsageError. */
  app(): Promise<App>;
}

export type DlqSubcommand = Subcommand<Dlq, PlaceOptions>;

export const dlqGround: Ground<Dlq, PlaceOptions> = {
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
    const hint = place.isLocal ? '' : ', and the right service (--local DIR, --cloud)';
    return `bucket ${place.stateBucket} does not exist in ${place.where}: is it the right --state-bucket${hint}?`;
  },
};
