import type { App } from '../../shared/app/define-app.ts';
import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import type { OptionalPart } from '../../shared/app/optional.ts';
import { anyOf, type ObjectDeleted, objectDeleted } from '../../shared/app/trigger.ts';
import { defineRecorder } from '../recorder.ts';

const recordDeletion = (of: readonly ObjectDeleted[]): FunctionDefinition =>
  defineRecorder({
    name: 'recordDeletion',
    trigger: anyOf(of),
    load: () => import('./handler.ts'),
    subject: async () => (await import('./subject.ts')).subjectOf,
  });

export const objectDeletions: OptionalPart = {
  value: 'LIST',
  doc: `deleted and replaced objects become events: keys of buckets, separated by commas,
such as raw,frames`,
  functions: [recordDeletion([])],
  choose: (value, app) => [recordDeletion(watchedBuckets(value, app))],
};

/** Parses keys of buckets. Throws TypeError. */
export function watchedBuckets(value: string, { buckets }: Pick<App, 'buckets'>): ObjectDeleted[] {
  const allowed = Object.keys(buckets).filter((key) => !buckets[key]?.isEmptiedByServices);
  return [...new Set(value.split(',').map((one) => one.trim()))].map((bucket) => {
    if (allowed.includes(bucket)) return objectDeleted({ bucket });
    if (Object.hasOwn(buckets, bucket)) {
      throw new TypeError(
        `--object-deletions must not name ${bucket}: the pipeline itself deletes there because of events, so each event would cause others, for ever`,
      );
    }
    throw new TypeError(
      `--object-deletions must be of ${allowed.join(', ') || 'the app, which has no bucket to watch'}, got ${JSON.stringify(bucket)}`,
    );
  });
}
