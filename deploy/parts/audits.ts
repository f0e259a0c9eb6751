import { secretsOf } from '../../shared/app/app-settings.ts';
import { eventSources } from '../../shared/app/trigger.ts';
import type { AuditConfig, Bucket, Policy } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

/**
 * Label of the app's first bucket: the services whose Data Access audit logs this deployment turned on. The project's
 * policy does not say who did, and logs that somebody else wants must stay.
 */
export const LABEL = 'data-access-logs';
export const DATA_ACCESS = ['DATA_READ', 'DATA_WRITE'];

type Where = Pick<Context, 'app' | 'names' | 'options' | 'cloud'>;

export const audits: Part = {
  title: 'data access audit logs',
  changes: ['policies', 'buckets'],
  plan: (context) =>
    context.options.only === undefined
      ? auditSteps(context.options.auditDataAccess ? auditedServices(context) : [], context)
      : Promise.resolve([]),
};

/** Services that hold the app's data, and those whose audit logs fire its functions. */
export function auditedServices({ app }: Pick<Context, 'app'>): string[] {
  const fired = app.functions
    .flatMap(({ trigger }) => eventSources(trigger))
    .flatMap((source) => (source.kind === 'auditLog' ? [source.service] : []));
  const hasSecrets = app.functions.some((one) => secretsOf(one).some(({ required }) => required));
  const all = [
    ...(Object.keys(app.buckets).length > 0 ? ['storage.googleapis.com'] : []),
    ...(hasSecrets ? ['secretmanager.googleapis.com'] : []),
    ...fired,
  ];
  return [...new Set(all)].sort();
}

/** Steps after which exactly these services are logged by this deployment; others stay as somebody set them. */
export async function auditSteps(wanted: readonly string[], context: Where): Promise<Step[]> {
  const { cloud, names, app } = context;
  const key = Object.keys(app.buckets)[0];
  const marked = (await cloud.buckets()).find(({ name }) => key !== undefined && name === names.bucket(key));
  const before = await markedServices(marked);
  if (key === undefined || (wanted.length === 0 && before.length === 0)) return [];
  const policy = await cloud.projectPolicy();
  const logged = (service: string): boolean => isLogged(policy, service);
  const added = wanted.filter((service) => !logged(service));
  const ours = wanted.filter((service) => before.includes(service) || !logged(service));
  const removed = before.filter((service) => !wanted.includes(service) && logged(service));
  const mark = ours.join() === before.join() ? [] : [markStep(names.bucket(key), ours, context)];
  if (added.length + removed.length === 0) return mark;
  const change: Step = {
    verb: 'update',
    what: `data access audit logs of ${names.place.project}`,
    why: [
      ...added.map((service) => `${service} does not log who reads and writes data`),
      ...removed.map((service) => `${service} logs it, and no option asks for it`),
    ].join('; '),
    command: [
      ...['projects', 'set-iam-policy', names.place.project],
      // the etag protects a concurrent change: then the policy is read again
      {
        content: JSON.stringify(changed(policy, added, removed)),
        asked: askedPolicy(added, removed, context),
      },
    ],
    lane: LABEL,
  };
  // marked before it is on and after it is off, so that a run that is killed leaves nothing unmarked
  return removed.length > 0 ? [change, ...mark] : [...mark, change];
}

/** `storage.googleapis.com` is the label's `storage`: a label has no dots. */
const markedServices = async (bucket: Bucket | undefined): Promise<string[]> =>
  (bucket?.labels?.[LABEL] ?? '')
    .split('_')
    .filter((name) => name !== '')
    .map((name) => `${name}.googleapis.com`);

/** The label's value for these services. */
export const labelOf = (services: readonly string[]): string =>
  services.map((one) => one.replace('.googleapis.com', '')).join('_');

function markStep(bucket: string, services: readonly string[], context: Where): Step {
  const label = labelOf(services);
  return {
    verb: 'update',
    what: `bucket ${bucket}`,
    why: 'its label says which audit logs this deployment turned on',
    command: [
      ...['storage', 'buckets', 'update', `gs://${bucket}`, inProject(context)],
      label === '' ? `--remove-labels=${LABEL}` : `--update-labels=${LABEL}=${label}`,
    ],
    lane: LABEL,
  };
}

const isLogged = ({ auditConfigs = [] }: Policy, service: string): boolean =>
  DATA_ACCESS.every((type) =>
    auditConfigs.some(
      (one) =>
        (one.service === service || one.service === 'allServices') &&
        (one.auditLogConfigs ?? []).some(({ logType }) => logType === type),
    ),
  );

/** The whole policy: gcloud replaces the bindings, too, whatever the file says. */
function changed(policy: Policy, added: readonly string[], removed: readonly string[]): Policy {
  const others = (policy.auditConfigs ?? []).flatMap((one): AuditConfig[] => {
    if (![...added, ...removed].includes(one.service)) return [one];
    const kept = (one.auditLogConfigs ?? []).filter(({ logType }) => !DATA_ACCESS.includes(logType));
    return kept.length === 0 ? [] : [{ ...one, auditLogConfigs: kept }];
  });
  const kept = new Map(others.map((one) => [one.service, one]));
  for (const service of added) {
    const before = kept.get(service)?.auditLogConfigs ?? [];
    kept.set(service, {
      service,
      auditLogConfigs: [...before, ...DATA_ACCESS.map((logType) => ({ logType }))],
    });
  }
  return { ...policy, auditConfigs: [...kept.values()] };
}

/** In a script, steps before it change the policy: it is read when its turn comes. */
function askedPolicy(added: readonly string[], removed: readonly string[], { names }: Where): string {
  const project = names.place.project;
  const program = [
    'const p = JSON.parse(require("fs").readFileSync(0));',
    `const [added, removed] = ${JSON.stringify([added, removed])};`,
    `const types = ${JSON.stringify(DATA_ACCESS)};`,
    'const touched = [...added, ...removed];',
    'const all = (p.auditConfigs ?? []).map((c) => touched.includes(c.service) ? { ...c, auditLogConfigs: c.auditLogConfigs.filter((l) => !types.includes(l.logType)) } : c);',
    'for (const service of added) { const c = all.find((one) => one.service === service) ?? (all.push({ service, auditLogConfigs: [] }), all.at(-1)); c.auditLogConfigs.push(...types.map((logType) => ({ logType }))); }',
    'p.auditConfigs = all.filter((c) => c.auditLogConfigs.length > 0);',
    'console.log(JSON.stringify(p));',
  ].join(' ');
  return `$(gcloud projects get-iam-policy ${project} --format=json | node -e '${program}' >"$FILES/policy.json"; echo "$FILES/policy.json")`;
}
