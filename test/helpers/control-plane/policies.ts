import { ApiError, invalid } from './api-error.ts';
import type { Cloud } from './cloud.ts';
import { type Kind, roleFault } from './roles.ts';
import type { Call } from './service.ts';
import { checkShape, type Json, type JsonObject, list, object, oneOf, type Shape, text } from './shapes.ts';

export interface Binding {
  role: string;
  members: string[];
  condition?: JsonObject;
}

export interface Policy {
  version: number;
  etag: string;
  bindings: Binding[];
  /** Of projects only. */
  auditConfigs?: JsonObject[];
}

const LOG_TYPE = oneOf('ADMIN_READ', 'DATA_READ', 'DATA_WRITE');
const AUDITS: Shape = [
  { service: 'string', auditLogConfigs: [{ logType: LOG_TYPE, exemptedMembers: ['string'] }] },
];
const CONDITION = {
  title: 'string',
  description: 'string',
  expression: 'string',
  location: 'string',
} as const;
const POLICY: Shape = {
  version: 'number',
  etag: 'string',
  kind: 'string',
  resourceId: 'string',
  bindings: [{ role: 'string', members: ['string'], condition: CONDITION }],
  auditConfigs: AUDITS,
};

export function policyOf(cloud: Cloud, name: string): Policy {
  const found = cloud.state.policies.get(name);
  return found ?? { version: 1, etag: 'ACAB', bindings: [] };
}

/** Replaces a resource's policy after the checks of the real API: etag, roles, members. */
export function setPolicy(
  call: Call,
  name: string,
  kind: Kind,
  sent: Json | undefined,
  /** Fields to change; without a mask, audit configurations stay. */
  mask = 'bindings,etag',
): Policy {
  const { cloud } = call;
  checkShape(sent, POLICY, 'policy');
  const policy = object(sent);
  const current = policyOf(cloud, name);
  // Without an etag the write is unconditional; gcloud always sends the one it read.
  if (policy['etag'] !== undefined && text(policy['etag']) !== current.etag) {
    throw new ApiError(
      'ABORTED',
      "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. The request's ETag did not match the current policy's ETag.",
    );
  }
  const bindings: Binding[] = [];
  for (const item of list(policy['bindings'])) {
    const { role, members, condition } = object(item);
    const limit = condition === null ? undefined : condition;
    if (limit !== undefined) checkCondition(limit, kind, name);
    const fault = roleFault(text(role), kind);
    if (fault !== undefined) throw invalid(fault);
    const names = list(members).map(text);
    for (const member of names) checkMember(cloud, member, current);
    if (names.length === 0) continue;
    bindings.push({
      role: text(role),
      members: [...new Set(names)].sort(),
      ...(limit !== undefined && { condition: object(limit) }),
    });
  }
  const version = bindings.some(({ condition }) => condition !== undefined) ? 3 : 1;
  if (version === 3 && Number(policy['version']) < 3)
    throw invalid('Conditions need version 3 of the policy.');
  const audits = /\baudit_?configs\b/i.test(mask)
    ? (list(policy['auditConfigs']) as JsonObject[])
    : (current.auditConfigs ?? []);
  const next: Policy = {
    version,
    etag: cloud.etag(),
    bindings: merged(bindings),
    ...(audits.length > 0 && { auditConfigs: audits }),
  };
  cloud.state.policies.set(name, next);
  return next;
}

function merged(bindings: Binding[]): Binding[] {
  const roles = new Map<string, Binding>();
  for (const { role, members, condition } of bindings) {
    const key = `${role} ${JSON.stringify(condition ?? '')}`;
    const all = new Set([...(roles.get(key)?.members ?? []), ...members]);
    roles.set(key, { role, members: [...all].sort(), ...(condition && { condition }) });
  }
  return [...roles.keys()].sort().map((key) => roles.get(key)!);
}

/** Only buckets with uniform access have conditions here, on the names of their objects. */
function checkCondition(condition: Json, kind: Kind, resource: string): void {
  const { title, expression } = object(condition);
  if (kind !== 'bucket') throw invalid(`Condition on a ${kind}: this pipeline grants without.`);
  if (text(title) === '') throw invalid('A condition needs a title.');
  const call =
    /^resource\.name\.(?:startsWith\("projects\/_\/buckets\/([^/"]+)\/objects\/[^"]+"\)|endsWith\("[^"]+"\))$/;
  for (const part of text(expression).split(/ (?:&&|\|\|) /)) {
    const [, bucket] = call.exec(part.replace(/^\(/, '').replace(/\)\)$/, ')')) ?? [undefined];
    const isCall = call.test(part.replace(/^\(/, '').replace(/\)\)$/, ')'));
    if (!isCall || (bucket !== undefined && `b/${bucket}` !== resource)) {
      throw invalid(`Condition expression compilation failed: ${text(expression)}`);
    }
  }
}

function checkMember(cloud: Cloud, member: string, current: Policy): void {
  // Members already in the policy may stay, such as the remains of deleted accounts.
  if (current.bindings.some((binding) => binding.members.includes(member))) return;
  const [, kind, email] =
    /^(serviceAccount|user|group|domain|project\w+|principal\w*):(.+)$/.exec(member) ?? [];
  if (member === 'allUsers' || member === 'allAuthenticatedUsers') return;
  if (kind === undefined || email === undefined) throw invalid(`Invalid member ${member}.`);
  if (kind !== 'serviceAccount' || knownAccount(cloud, email)) return;
  throw invalid(`Service account ${email} does not exist.`);
}

/** True if the service account exists: one of the project's, or one of Google's that was already created. */
export function knownAccount(cloud: Cloud, email: string): boolean {
  const { project, agents } = cloud.state;
  if (agents.has(email)) return true;
  const name = `projects/${project.id}/serviceAccounts/${email}`;
  return cloud.get(name) !== undefined && cloud.age(name) >= cloud.faults.accountLag;
}

/** A deleted account stays in policies under its unique id, as on the platform. */
export function leaveRemains(cloud: Cloud, email: string, uid: string): void {
  for (const policy of cloud.state.policies.values()) {
    for (const binding of policy.bindings) {
      binding.members = binding.members.map((member) =>
        member === `serviceAccount:${email}` ? `deleted:serviceAccount:${email}?uid=${uid}` : member,
      );
    }
  }
}

/** The requested permissions that the caller has. */
export function testPermissions(call: Call): object {
  const asked = list(call.body['permissions']).map(text);
  const wrong = asked.find((one) => !/^[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+$/.test(one));
  if (wrong !== undefined) throw invalid(`Permission ${wrong} is not valid for this resource.`);
  return { permissions: asked.filter((one) => !call.cloud.faults.denied.has(one)) };
}
