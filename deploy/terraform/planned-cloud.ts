import { secretsOf } from '../../shared/app/app-settings.ts';
import { Cloud } from '../cloud.ts';
import type { CloudFunction } from '../cloud-types.ts';
import type { Context } from '../context.ts';
import { neededApis } from '../encryption.ts';
import type { Gcloud } from '../gcloud.ts';
import { expression, slug } from './expressions.ts';
import type { TerraformNames } from './names.ts';

/**
 * The state in which Terraform sees the project when it makes what depends on functions: services and functions are
 * there with Google's repository of their images, and nothing else. A function's address is a reference to it.
 * @param optionalSecrets names of optional secrets that exist in Secret Manager
 */
export function plannedCloud(
  { app, options }: Pick<Context, 'app' | 'options'>,
  names: TerraformNames,
  optionalSecrets: ReadonlySet<string> = new Set(),
): Cloud {
  const functions = app.functions.map(
    ({ name }): CloudFunction => ({
      name: names.function(name),
      state: 'ACTIVE',
      serviceConfig: {
        uri: expression(`google_cloudfunctions2_function.${slug(name)}.service_config[0].uri`),
      },
    }),
  );
  const secrets = app.functions
    .flatMap(secretsOf)
    .filter(({ name, required }) => required || optionalSecrets.has(names.secret(name)))
    .map(({ name }) => ({ name: names.secret(name) }));
  const lists: Readonly<Record<string, unknown>> = {
    'services list': [...Object.keys(neededApis({ app, options })), 'secretmanager'].map((name) => ({
      name: `${name}.googleapis.com`,
    })),
    'functions list': functions,
    'secrets list': secrets,
    'artifacts repositories': [
      { name: 'gcf-artifacts' },
      ...(options.kmsKey === undefined ? [] : [{ name: names.repository(options.kmsKey) }]),
    ],
  };
  const read = async (...command: string[]): Promise<unknown> =>
    lists[command.slice(0, 2).join(' ')] ?? (command.includes('get-iam-policy') ? {} : []);
  return new Cloud({ read: read as Gcloud['read'], text: none, change: none }, names.place);
}

function none(): never {
  throw new Error('nothing is asked or changed while Terraform is written');
}
