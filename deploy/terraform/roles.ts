import type { Guarded } from '../cloud.ts';
import type { Names } from '../names.ts';
import type { Wanted } from '../roles.ts';
import type { Body } from './expressions.ts';
import { slug } from './expressions.ts';
import { labelOf } from './names.ts';
import { after, type Resource } from './resource.ts';

/**
 * One resource per role and member: as in the other way to deploy, roles that others grant stay. Names are unique
 * within a type.
 */
export function members(wanted: readonly Wanted[], names: Names): Resource[] {
  const taken = new Map<string, number>();
  return wanted.map(({ on, role, member, condition }) => {
    const [type, parent] = place(on, names);
    const about = on.kind === 'project' ? '' : `_on_${labelOf(on.name)}`;
    const base = `${labelOf(member)}_${slug(role.replace('roles/', ''))}${about}`;
    const count = (taken.get(`${type}.${base}`) ?? 0) + 1;
    taken.set(`${type}.${base}`, count);
    return after({
      type,
      name: count === 1 ? base : `${base}_${count}`,
      body: { ...parent, role, member, ...(condition && { condition: { ...condition } }) },
    });
  });
}

function place(on: Guarded, { place: { project, region } }: Names): [type: string, parent: Body] {
  switch (on.kind) {
    case 'project':
      return ['google_project_iam_member', { project }];
    case 'bucket':
      return ['google_storage_bucket_iam_member', { bucket: on.name }];
    case 'topic':
      return ['google_pubsub_topic_iam_member', { topic: on.name }];
    case 'subscription':
      return ['google_pubsub_subscription_iam_member', { subscription: on.name }];
    case 'secret':
      return ['google_secret_manager_secret_iam_member', { secret_id: on.name }];
    case 'key':
      return ['google_kms_crypto_key_iam_member', { crypto_key_id: on.name }];
    case 'service':
      return ['google_cloud_run_v2_service_iam_member', { location: region, name: on.name }];
  }
}
