import type { LoadedApp } from '../../shared/app/load-app.ts';
import type { Context } from '../context.ts';
import { cliEnvironment } from '../env.ts';
import { Names } from '../names.ts';
import { channelName } from '../parts/monitoring.ts';
import { asTemplates, type Body, expression, slug } from './expressions.ts';
import type { Resource } from './resource.ts';

/** First line of main.tf.json, by which a later run knows that it may replace the file. */
export const MARK = 'Written by ./deploy.sh --format terraform; a later run replaces it.';
/** The provider's versions that the files were tested with. */
const PROVIDER = { source: 'hashicorp/google', version: '~> 8.0' };
/** main.tf.json. */
export function mainOf(resources: readonly Resource[], context: Context, loaded: LoadedApp): Body {
  const { names, options } = context;
  const byType: { [type: string]: Body } = {};
  for (const { type, name, body } of resources) {
    const found = byType[type] ?? {};
    byType[type] = { ...found, [name]: body };
  }
  return asTemplates({
    '//': MARK,
    terraform: { required_version: '>= 1.5', required_providers: { google: PROVIDER } },
    provider: {
      google: {
        project: names.place.project,
        region: names.place.region,
        // labels would differ from those of the other way to deploy
        add_terraform_attribution_label: false,
      },
    },
    variable: {
      project: variable('project', "The project's id.", options.project, '^[a-z][a-z0-9-]{4,28}[a-z0-9]$'),
      region: variable('region', 'Region of all resources.', options.region, '^[a-z]+-[a-z]+[0-9]+$'),
      notification_channels: {
        type: 'list(string)',
        description: 'Channels of the alerts, as projects/P/notificationChannels/NUMBER.',
        default: options.channels.map((one) => channelName(one, { names: realNames(context) })),
      },
    },
    data: { google_project: { this: { project_id: names.place.project } } },
    resource: byType,
    output: outputs(context, loaded),
  }) as Body;
}

const realNames = ({ options }: Pick<Context, 'options'>): Names =>
  new Names({
    project: options.project,
    projectNumber: '',
    region: options.region,
    prefix: options.prefix,
  });

const variable = (name: string, description: string, value: string, pattern: string): Body => ({
  type: 'string',
  description,
  default: value,
  validation: {
    condition: expression(`can(regex(${JSON.stringify(pattern)}, var.${name}))`),
    error_message: `The ${name} must match ${pattern}.`,
  },
});

function outputs(context: Context, { app, dir }: LoadedApp): Body {
  const { names } = context;
  const texts = cliEnvironment(names, { app, dir }).map((line) => {
    const [name = '', value = ''] = line.replace('export ', '').split(/=(.*)/s);
    return [name, value] as const;
  });
  const addresses = context.app.functions.flatMap(({ name, trigger }) =>
    trigger.kind === 'http'
      ? [[name, expression(`google_cloudfunctions2_function.${slug(name)}.service_config[0].uri`)] as const]
      : [],
  );
  return {
    environment: {
      description: 'Environment of the pipeline command for this deployment.',
      value: Object.fromEntries(texts),
    },
    ...(addresses.length > 0 && {
      addresses: {
        description: 'Addresses of the functions that HTTP requests call.',
        value: Object.fromEntries(addresses),
      },
    }),
    dashboard: {
      description: 'Where the dashboard is.',
      value: `https://console.cloud.google.com/monitoring/dashboards?project=${names.place.project}`,
    },
  };
}
