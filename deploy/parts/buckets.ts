import type { Bucket, LifecycleRule } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import { BUCKET_KINDS } from '../names.ts';
import type { Options } from '../options.ts';
import type { Arg, Step } from '../step.ts';

export interface BucketPlan {
  why: string;
  /** Days in which a deleted or overwritten object can be had back, and is paid for; 0 for none. */
  softDeleteDays: number;
  lifecycle: LifecycleRule[];
}

const expire = (age: number, ...matchesPrefix: string[]): LifecycleRule => ({
  action: { type: 'Delete' },
  condition: { age, ...(matchesPrefix.length > 0 && { matchesPrefix }) },
});
/** Parts of uploads that were given up are kept, unseen and paid for, until somebody removes them. */
const dropParts: LifecycleRule = {
  action: { type: 'AbortIncompleteMultipartUpload' },
  condition: { age: 7 },
};

/**
 * No bucket keeps versions: names carry generations or are written once, and what is overwritten (a video, by
 * its owner) can be had back by soft delete.
 */
export function bucketPlans({ rawDays }: Pick<Options, 'rawDays'>) {
  return {
    raw: {
      why: 'uploads; soft delete, since nobody else has them',
      softDeleteDays: 7,
      lifecycle: [dropParts, ...(rawDays === undefined ? [] : [expire(rawDays)])],
    },
    frames: {
      why: 'frames and manifests; soft delete, since nothing here deletes them but a mistake',
      softDeleteDays: 7,
      lifecycle: [],
    },
    lake: {
      // never by age: a file as old as the table may still be part of it
      why: 'tables; no soft delete, since vacuum removes only what no version needs for a week, and it would be paid for twice',
      softDeleteDays: 0,
      lifecycle: [dropParts],
    },
    state: {
      why: 'records that expire; no soft delete, since leases are overwritten every few seconds',
      softDeleteDays: 0,
      lifecycle: [
        // Longer than any event is tried, and than anybody looks for why it failed.
        expire(30, 'failures/'),
        // The slots of a day are counted on that day alone.
        expire(3, 'budget/'),
        // After that a video delivered again is asked about again, which its manifest prevents.
        expire(90, 'videos/'),
        // effects and decisions as long as the letters whose replays look for them
        expire(400, 'dead-letters/', 'refused/', 'erased/', 'unread/', 'effects/', 'records/'),
      ],
    },
  } satisfies Record<(typeof BUCKET_KINDS)[number], BucketPlan>;
}

export const buckets: Part = {
  title: 'buckets',
  async plan(context) {
    const there = new Map((await context.cloud.buckets()).map((bucket) => [bucket.name, bucket]));
    const plans = bucketPlans(context.options);
    return BUCKET_KINDS.flatMap((kind) => {
      const name = context.names.bucket(kind);
      const bucket = there.get(name);
      return bucket ? change(name, bucket, plans[kind], context) : [create(name, plans[kind], context)];
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
    ],
  };
}

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

/** Rules as a text that is the same in any order of rules, keys and prefixes. */
function canonical(rules: readonly LifecycleRule[]): string {
  const texts = rules.map(({ action, condition }) => {
    const { age, matchesPrefix = [], ...others } = condition;
    return JSON.stringify([action.type, age, [...matchesPrefix].sort(), Object.entries(others).sort()]);
  });
  return JSON.stringify(texts.sort());
}
