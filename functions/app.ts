import { dropParts } from '../shared/app/bucket.ts';
import { defineApp } from '../shared/app/define-app.ts';
import { services } from './services.ts';
import { processVideo, questions } from './video/definition.ts';

/** The core app: the only list of its functions. Its name is the default prefix of a deployment. */
export const core = defineApp({
  name: 'pipeline',
  includes: [services],
  buckets: {
    raw: {
      env: 'RAW_BUCKET',
      doc: 'uploads; soft delete, since nobody else has them',
      lifecycle: [dropParts],
    },
    frames: {
      env: 'FRAMES_BUCKET',
      doc: 'frames and manifests; soft delete, since only a mistake deletes them',
    },
  },
  functions: [processVideo],
  optional: { questions },
});

export default core;
