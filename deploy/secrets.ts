import { Failure } from '../cli/common/options.ts';
import { shortName } from './cloud-types.ts';
import { type Context, chosen } from './context.ts';

type Where = Pick<Context, 'app' | 'options' | 'names' | 'cloud'>;

/**
 * Secrets of this deployment that exist: those that the functions of this run name, and those that functions may
 * have named before, so that roles on them are found and revoked.
 */
export async function secretsHere(context: Where): Promise<{ kind: 'secret'; name: string }[]> {
  if (!(await hasSecrets(context))) return [];
  const ours = new RegExp(`^${context.names.secret('[A-Z][A-Z0-9_]*')}$`);
  const there = (await context.cloud.secrets()).map(({ name }) => shortName(name));
  return there.filter((name) => ours.test(name)).map((name) => ({ kind: 'secret', name }));
}

/** A function whose secret is missing does not start. Throws one Failure that lists them all. */
export async function checkSecrets(context: Where): Promise<void> {
  const there = new Set((await secretsHere(context)).map(({ name }) => name));
  const missing = [...secretNames(context)].filter(([name]) => !there.has(name));
  if (missing.length === 0) return;
  const { project } = context.names.place;
  const told = missing.map(
    ([name, functions]) =>
      `secret ${name} of ${functions.join(', ')} does not exist: run "printf %s VALUE | gcloud secrets create ${name} --data-file=- --project=${project}"`,
  );
  throw new Failure(
    `${told.join('\n')}\nif Secret Manager is not enabled: "gcloud services enable secretmanager.googleapis.com --project=${project}"`,
  );
}

/** Without secrets, now or before, the service need not be enabled, nor whoever deploys be allowed to list them. */
async function hasSecrets({ app, cloud, names }: Where): Promise<boolean> {
  if (app.functions.some(({ secrets }) => secrets.length > 0)) return true;
  const ours = new Set(app.functions.map(({ name }) => names.function(name)));
  return (await cloud.functions()).some(
    ({ name, serviceConfig }) =>
      ours.has(shortName(name)) && (serviceConfig?.secretEnvironmentVariables ?? []).length > 0,
  );
}

/** Names in Secret Manager, with the functions that read them. */
function secretNames(context: Where): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { name, secrets } of chosen(context)) {
    for (const secret of secrets.map((one) => context.names.secret(one))) {
      names.set(secret, [...(names.get(secret) ?? []), name]);
    }
  }
  return names;
}
