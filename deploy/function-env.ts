import { pickSettings, placeVariables, secretsOf } from '../shared/app/app-settings.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { CloudFunction } from './cloud-types.ts';
import type { Context } from './context.ts';

type Where = Pick<Context, 'app' | 'names' | 'settings'>;
/** Adds `secrets`, the names of those that exist in Secret Manager. */
export type Planned<C extends Where = Where> = C & { secrets: ReadonlySet<string> };
type Service = NonNullable<CloudFunction['serviceConfig']>;

/** A function's environment: names of the project, of all buckets and topics, and its declared settings. */
export function environment(definition: FunctionDefinition, where: Where): Record<string, string> {
  return { ...pickSettings(where.app, definition, where.settings), ...placeEnvironment(where) };
}

/** Names of project, buckets and topics. Every function gets all, so that it can refuse names that form a loop. */
export function placeEnvironment({ app, names }: Pick<Where, 'app' | 'names'>): Record<string, string> {
  const places = [...placeVariables(app)].map(([variable, key]) => [
    variable,
    Object.hasOwn(app.buckets, key) ? names.bucket(key) : names.topicPath(names.topic(key)),
  ]);
  return { GOOGLE_CLOUD_PROJECT: names.place.project, ...Object.fromEntries(places) };
}

/**
 * Flags of `gcloud functions deploy`.
 * @param found the deployed function, if there is one
 */
export function environmentFlags(
  definition: FunctionDefinition,
  where: Planned,
  found: CloudFunction | undefined,
): string[] {
  const secrets = { ...secretVersions(definition, where), ...fileFlags(definition, where) };
  const { secretEnvironmentVariables = [], secretVolumes = [] } = found?.serviceConfig ?? {};
  const hadSecrets = secretEnvironmentVariables.length + secretVolumes.length > 0;
  const set = Object.entries(secrets).map(([name, version]) => `${name}=${version}`);
  return [
    `--set-env-vars=${listFlag(environment(definition, where))}`,
    ...(set.length > 0 ? [`--set-secrets=${set.join(',')}`] : hadSecrets ? ['--clear-secrets'] : []),
  ];
}

/** Maps variables to the newest version of their secrets, which instances read when they start. */
export function secretVersions(
  definition: FunctionDefinition,
  { names, secrets }: Planned,
): Record<string, string> {
  const wanted = secretsOf(definition).filter(
    ({ name, required, file }) => file === undefined && (required || secrets.has(names.secret(name))),
  );
  return Object.fromEntries(wanted.map(({ name }) => [name, `${names.secret(name)}:latest`]));
}

/** Paths of the files whose reads fetch the newest version, with their secrets. */
export function secretPaths(definition: FunctionDefinition, { names }: Planned): [string, string][] {
  return secretsOf(definition).flatMap(({ name, file }) =>
    file === undefined ? [] : [[file, `${names.secret(name)}:latest`] as [string, string]],
  );
}

/** gcloud wants `/FOLDER:/FILE`. */
function fileFlags(definition: FunctionDefinition, where: Planned): Record<string, string> {
  const flags = secretPaths(definition, where).map(([path, version]) => {
    const end = path.lastIndexOf('/');
    return [`${path.slice(0, end)}:${path.slice(end)}`, version];
  });
  return Object.fromEntries(flags);
}

/** Describes differences that require a new deployment, without values. */
export function environmentDifferences(
  { environmentVariables = {}, secretEnvironmentVariables = [], secretVolumes = [] }: Service,
  definition: FunctionDefinition,
  where: Planned,
): string[] {
  // set by the platform
  const { LOG_EXECUTION_ID: _, ...own } = environmentVariables;
  const held = Object.fromEntries(
    secretEnvironmentVariables.map(({ key, secret, version }) => [key, `${secret}:${version}`]),
  );
  const settings = differing(own, environment(definition, where));
  const mounted = secretVolumes.flatMap(({ mountPath, secret, versions = [] }) =>
    versions.map(({ version, path }) => [`${mountPath}/${path.replace(/^\//, '')}`, `${secret}:${version}`]),
  );
  const secrets = differing(
    { ...held, ...Object.fromEntries(mounted) },
    { ...secretVersions(definition, where), ...Object.fromEntries(secretPaths(definition, where)) },
  );
  return [
    ...(settings.length > 0 ? [`settings differ: ${settings.join(', ')}`] : []),
    ...(secrets.length > 0 ? [`secrets differ: ${secrets.join(', ')}`] : []),
  ];
}

function differing(found: Record<string, string>, wanted: Record<string, string>): string[] {
  const all = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].sort();
  return all.filter((key) => found[key] !== wanted[key]);
}

/** `^;^A=1;B=2`: gcloud's syntax for values with commas. */
function listFlag(values: Record<string, string>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  const between = [',', ';', '|', '@@', '##', '~~~'].find(
    (mark) => !pairs.some((pair) => pair.includes(mark)),
  );
  if (between === undefined) {
    throw new Error('settings must not contain all of the separators that gcloud could use: , ; | @@ ## ~~~');
  }
  return between === ',' ? pairs.join(',') : `^${between}^${pairs.join(between)}`;
}
