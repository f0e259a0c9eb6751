import { expire, type LifecycleRule } from '../../shared/app/bucket.ts';
import type { App } from '../../shared/app/define-app.ts';
import type { Bucket } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import type { Arg, Step } from '../step.ts';

export interface BucketPlan {
  why: string;
  /** Days during which a deleted or overwritten object can be restored, and is billed; 0 for none. */
  softDeleteDays: number;
  lifecycle: LifecycleRule[];
}

/** The bucket whose objects `--raw-days` deletes. */
export const RAW = 'raw';

/**
 * Plans a bucket without versioning: names contain generations or are written once, and soft delete can restore what
 * is overwritten (a video, by its owner). Throws if the app has no bucket with this key.
 */
export function bucketPlan(key: string, { buckets }: App, rawDays?: number): BucketPlan {
  const bucket = buckets[key];
  if (bucket === undefined) throw new Error(`the app has no bucket ${key}`);
  const { doc, softDeleteDays = 7, lifecycle = [] } = bucket;
  const isExpired = key === RAW && rawDays !== undefined;
  return { why: doc, softDeleteDays, lifecycle: [...lifecycle, ...(isExpired ? [expire(rawDays)] : [])] };
}

export const buckets: Part = {
  title: 'buckets',
  changes: ['buckets'],
  async plan(context) {
    const there = new Map((await context.cloud.buckets()).map((bucket) => [bucket.name, bucket]));
    const { app, options } = context;
    return Object.keys(app.buckets).flatMap((key) => {
      const plan = bucketPlan(key, app, options.rawDays);
      const name = context.names.bucket(key);
      const bucket = there.get(name);
      return bucket ? change(name, bucket, plan, context) : [create(name, plan, context)];
    });
  },
};

function create(name: string, plan: BucketPlan, context: Context): Step {
  return {
    verb: 'create',
    what: `bucket ${name}`,
    why: plan.why,
    command: [
      ...['storage', 'buckets', 'create', `gs://${name}`, inProject(context)],
      `--location=${context.names.place.region}`,
      '--default-storage-class=standard',
      '--uniform-bucket-level-access',
      '--public-access-prevention',
      `--soft-delete-duration=${days(plan.softDeleteDays)}`,
      ...lifecycleFlag(plan),
      ...keyFlag(context),
    ],
  };
}

const keyFlag = ({ options: { kmsKey } }: Context): Arg[] =>
  kmsKey === undefined ? [] : [`--default-encryption-key=${kmsKey}`];

const days = (count: number): string => (count === 0 ? '0' : `${count}d`);

function lifecycleFlag({ lifecycle }: BucketPlan): Arg[] {
  if (lifecycle.length === 0) return [];
  return [{ flag: '--lifecycle-file', content: JSON.stringify({ rule: lifecycle }) }];
}

function change(name: string, bucket: Bucket, plan: BucketPlan, context: Context): Step[] {
  const flags: Arg[] = [];
  const differs: string[] = [];
  const { uniformBucketLevelAccess, publicAccessPrevention } = bucket.iamConfiguration ?? {};
  const differ = (what: string, ...flag: Arg[]): void => {
    differs.push(what);
    flags.push(...flag);
  };
  if (uniformBucketLevelAccess?.enabled !== true) {
    differ('access is not uniform', '--uniform-bucket-level-access');
  }
  if (publicAccessPrevention !== 'enforced') {
    differ('public access is not prevented', '--public-access-prevention');
  }
  const kept = Number(bucket.softDeletePolicy?.retentionDurationSeconds ?? 0) / 86_400;
  if (kept !== plan.softDeleteDays) {
    differ(
      `soft delete is ${kept} days, not ${plan.softDeleteDays}`,
      plan.softDeleteDays === 0
        ? '--clear-soft-delete'
        : `--soft-delete-duration=${days(plan.softDeleteDays)}`,
    );
  }
  const { kmsKey } = context.options;
  // without the option, somebody's key stays
  if (kmsKey !== undefined && bucket.encryption?.defaultKmsKeyName !== kmsKey) {
    const key = bucket.encryption?.defaultKmsKeyName ?? "Google's";
    differ(`new objects are encrypted with ${key}, not ${kmsKey}`, ...keyFlag(context));
  }
  if (bucket.versioning?.enabled === true) differ('versions are kept', '--no-versioning');
  if (canonical(bucket.lifecycle?.rule ?? []) !== canonical(plan.lifecycle)) {
    const flag = lifecycleFlag(plan);
    differ('its lifecycle differs', ...(flag.length > 0 ? flag : ['--clear-lifecycle']));
  }
  if (differs.length === 0) return [];
  return [
    {
      verb: 'update',
      what: `bucket ${name}`,
      why: differs.join('; '),
      command: ['storage', 'buckets', 'update', `gs://${name}`, inProject(context), ...flags],
    },
  ];
}

/** Serializes rules independently of the order of rules, keys and prefixes. */
function canonical(rules: readonly LifecycleRule[]): string {
  const texts = rules.map(({ action, condition }) => {
    const { age, matchesPrefix = [], ...others } = condition;
    return JSON.stringify([action.type, age, [...matchesPrefix].sort(), Object.entries(others).sort()]);
  });
  return JSON.stringify(texts.sort());
}
