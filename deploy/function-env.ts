import { pickSettings, placeVariables, secretsOf } from '../shared/app/app-settings.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { CloudFunction } from './cloud-types.ts';
import type { Context } from './context.ts';

type Where = Pick<Context, 'app' | 'names' | 'settings'>;
/** `secrets`: names of those that exist in Secret Manager. */
export type Planned<C extends Where = Where> = C & { secrets: ReadonlySet<string> };
type Service = NonNullable<CloudFunction['serviceConfig']>;

/** The environment of a function: names of the project, of all buckets and topics, and the settings it declares. */
export function environment(definition: FunctionDefinition, where: Where): Record<string, string> {
  return { ...pickSettings(where.app, definition, where.settings), ...placeEnvironment(where) };
}

/** The same for all functions, each of which refuses to work if one of these names would feed another. */
export function placeEnvironment({ app, names }: Pick<Where, 'app' | 'names'>): Record<string, string> {
  const places = [...placeVariables(app)].map(([variable, key]) => [
    variable,
    Object.hasOwn(app.buckets, key) ? names.bucket(key) : names.topicPath(names.topic(key)),
  ]);
  return { GOOGLE_CLOUD_PROJECT: names.place.project, ...Object.fromEntries(places) };
}

/** Flags of `gcloud functions deploy`. `found`: what is deployed, if it is. */
export function environmentFlags(
  definition: FunctionDefinition,
  where: Planned,
  found: CloudFunction | undefined,
): string[] {
  const secrets = secretVersions(definition, where);
  const hadSecrets = (found?.serviceConfig?.secretEnvironmentVariables ?? []).length > 0;
  const set = Object.entries(secrets).map(([name, version]) => `${name}=${version}`);
  return [
    `--set-env-vars=${listFlag(environment(definition, where))}`,
    ...(set.length > 0 ? [`--set-secrets=${set.join(',')}`] : hadSecrets ? ['--clear-secrets'] : []),
  ];
}

/** By the variable's name: the secret and its newest version, which an instance reads when it starts. */
function secretVersions(definition: FunctionDefinition, { names, secrets }: Planned): Record<string, string> {
  const wanted = secretsOf(definition).filter(
    ({ name, required }) => required || secrets.has(names.secret(name)),
  );
  return Object.fromEntries(wanted.map(({ name }) => [name, `${names.secret(name)}:latest`]));
}

/** What makes a function be deployed again, in words without values. */
export function environmentDifferences(
  { environmentVariables = {}, secretEnvironmentVariables = [] }: Service,
  definition: FunctionDefinition,
  where: Planned,
): string[] {
  // the platform's own
  const { LOG_EXECUTION_ID: _, ...own } = environmentVariables;
  const held = Object.fromEntries(
    secretEnvironmentVariables.map(({ key, secret, version }) => [key, `${secret}:${version}`]),
  );
  const settings = differing(own, environment(definition, where));
  const secrets = differing(held, secretVersions(definition, where));
  return [
    ...(settings.length > 0 ? [`settings differ: ${settings.join(', ')}`] : []),
    ...(secrets.length > 0 ? [`secrets differ: ${secrets.join(', ')}`] : []),
  ];
}

function differing(found: Record<string, string>, wanted: Record<string, string>): string[] {
  const all = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].sort();
  return all.filter((key) => found[key] !== wanted[key]);
}

/** `^;^A=1;B=2`: gcloud's way to have commas in values. */
function listFlag(values: Record<string, string>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  const between = [',', ';', '|', '@@', '##', '~~~'].find(
    (mark) => !pairs.some((pair) => pair.includes(mark)),
  );
  if (between === undefined) {
    throw new Error('settings contain every mark by which gcloud could separate them: , ; | @@ ## ~~~');
  }
  return between === ',' ? pairs.join(',') : `^${between}^${pairs.join(between)}`;
}
