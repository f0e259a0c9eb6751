/** A bucket of an app. None keeps versions; all have uniform access and public access prevention. */
export interface BucketDefinition {
  /** The environment variable that tells functions its name. */
  env: string;
  /** What it is for, and why its objects are kept as they are. */
  doc: string;
  /** Days in which a deleted or overwritten object can be had back, and is paid for; 0 for none. Default 7. */
  softDeleteDays?: number;
  /** Default: objects are kept. */
  lifecycle?: readonly LifecycleRule[];
}

/** In the shape of Cloud Storage: https://cloud.google.com/storage/docs/lifecycle */
export interface LifecycleRule {
  action: { type: string };
  condition: { age?: number; matchesPrefix?: string[] };
}

/** Objects go when they are `days` old: all, or those whose name begins with one of the prefixes. */
export const expire = (days: number, ...matchesPrefix: string[]): LifecycleRule => ({
  action: { type: 'Delete' },
  condition: { age: days, ...(matchesPrefix.length > 0 && { matchesPrefix }) },
});

/** Parts of uploads that were given up are kept, unseen and paid for, until somebody removes them. */
export const dropParts: LifecycleRule = {
  action: { type: 'AbortIncompleteMultipartUpload' },
  condition: { age: 7 },
};
