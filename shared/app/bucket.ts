/** A bucket of an app. None is versioned; all have uniform access and public access prevention. */
export interface BucketDefinition {
  /** Environment variable that gives functions the bucket's name. */
  env: string;
  /** Purpose of the bucket, and the reason for its retention. */
  doc: string;
  /** Days in which a deleted or overwritten object can be restored (and is billed); 0 for none. Default 7. */
  softDeleteDays?: number;
  /** True if the services delete objects there while they handle events: its deletions fire no function. */
  isEmptiedByServices?: true;
  /** Default: objects are kept forever. */
  lifecycle?: readonly LifecycleRule[];
}

/** In the shape of Cloud Storage: https://cloud.google.com/storage/docs/lifecycle */
export interface LifecycleRule {
  action: { type: string };
  condition: { age?: number; matchesPrefix?: string[] };
}

/** Deletes objects that are `days` old: all of them, or those whose name begins with one of the prefixes. */
export const expire = (days: number, ...matchesPrefix: string[]): LifecycleRule => ({
  action: { type: 'Delete' },
  condition: { age: days, ...(matchesPrefix.length > 0 && { matchesPrefix }) },
});

/** Parts of abandoned uploads are billed, unseen, until something deletes them. */
export const dropParts: LifecycleRule = {
  action: { type: 'AbortIncompleteMultipartUpload' },
  condition: { age: 7 },
};
