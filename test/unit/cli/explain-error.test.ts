import { expect, test } from 'vitest';
import { explainServiceError } from '../../../cli/common/explain-error.ts';
import { AppError } from '../../../shared/core/errors.ts';

const cloud = { where: 'Cloud Storage', isLocal: false } as Parameters<typeof explainServiceError>[1];
const STORAGE = ': 403: no access: grant a role on gs://lake that allows it';

test.each([
  [`list gs://lake/events/${STORAGE}`, 'grant roles/storage.objectViewer on gs://lake, or check'],
  [`read gs://lake/a${STORAGE}`, 'grant roles/storage.objectViewer on gs://lake, or check'],
  [`put gs://lake/a${STORAGE}`, 'grant roles/storage.objectCreator on gs://lake, or check'],
  [`delete gs://lake/a${STORAGE}`, 'grant roles/storage.objectUser on gs://lake, or check'],
  [
    'Pub/Sub: projects/p/topics/t:publish: 403: no access',
    'grant roles/pubsub.publisher on projects/p/topics/t, or check',
  ],
  ['Pub/Sub: no access token: none', 'Pub/Sub: no access token: none, or check'],
])('%s: the role is named', (message, advice) => {
  expect(explainServiceError(new AppError('denied', message), cloud)).toContain(advice);
});
