import { Failure } from '../cli/common/options.ts';
import { secretsOf } from '../shared/app/app-settings.ts';
import { shortName } from './cloud-types.ts';
import { type Context, chosen } from './context.ts';
import { GcloudError } from './gcloud.ts';
import { memberOf } from './names.ts';
import type { Wanted } from './roles.ts';

type Where = Pick<Context, 'app' | 'options' | 'names' | 'cloud'>;

/**
 * Existing secrets of this deployment: those that functions declare now, and those they may have declared before, so
 * that roles on the latter are found and revoked.
 */
export async function secretsHere(context: Where): Promise<{ kind: 'secret'; name: string }[]> {
  const ours = new RegExp(`^${context.names.secret('[A-Z][A-Z0-9_]*')}$`);
  const there = (await list(context)).map(({ name }) => shortName(name));
  return there.filter((name) => ours.test(name)).map((name) => ({ kind: 'secret', name }));
}

/** Roles on single secrets: a function can read no others. */
export async function secretRoles(context: Where): Promise<Wanted[]> {
  const { names } = context;
  const there = new Set((await secretsHere(context)).map(({ name }) => name));
  return chosen(context).flatMap((one) =>
    secretsOf(one)
      .filter(({ name, required }) => required || there.has(names.secret(name)))
      .map(({ name }) => ({
        on: { kind: 'secret', name: names.secret(name) } as const,
        role: 'roles/secretmanager.secretAccessor',
        member: memberOf(names.account(one.name)),
        reason: `${one.name}: reads ${name}`,
      })),
  );
}

/** Throws one Failure that lists all missing secrets: without its secrets, a function does not start. */
export async function checkSecrets(context: Where): Promise<void> {
  const there = new Set((await secretsHere(context)).map(({ name }) => name));
  const missing = [...requiredSecrets(context)].filter(([name]) => !there.has(name));
  if (missing.length === 0) return;
  const { project } = context.names.place;
  const lines = missing.map(
    ([name, functions]) =>
      `secret ${name} of ${functions.join(', ')} does not exist: run "printf %s VALUE | gcloud secrets create ${name} --data-file=- --project=${project}"`,
  );
  throw new Failure(
    `${lines.join('\n')}\nif Secret Manager is not enabled: "gcloud services enable secretmanager.googleapis.com --project=${project}"`,
  );
}

async function list(context: Where): Promise<{ name: string }[]> {
  try {
    return await context.cloud.secrets();
  } catch (error) {
    const isDenied = error instanceof GcloudError && /PERMISSION_DENIED|permission|403/i.test(error.text);
    // a deployment that never had a secret does not need the permission to list them
    if (isDenied && !(await hasSecrets(context))) return [];
    throw error;
  }
}

async function hasSecrets(context: Where): Promise<boolean> {
  const { app, cloud, names } = context;
  if (requiredSecrets(context).size > 0) return true;
  const ours = new Set(app.functions.map(({ name }) => names.function(name)));
  return (await cloud.functions()).some(
    ({ name, serviceConfig }) =>
      ours.has(shortName(name)) && (serviceConfig?.secretEnvironmentVariables ?? []).length > 0,
  );
}

/** Names in Secret Manager, with the functions of this run that require them. */
function requiredSecrets(context: Where): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const one of chosen(context)) {
    for (const { name, required } of secretsOf(one)) {
      const secret = context.names.secret(name);
      if (required) found.set(secret, [...(found.get(secret) ?? []), one.name]);
    }
  }
  return found;
}
