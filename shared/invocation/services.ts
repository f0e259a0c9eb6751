import { type ServiceConfig, serviceConfig, serviceSettings } from '../app/service-settings.ts';
import { AppError } from '../core/errors.ts';
import { createLogger, type Logger } from '../core/log.ts';
import { readSettings } from '../core/read-settings.ts';
import type { Env } from '../core/settings.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import { createGcsStorage } from '../storage/gcs.ts';
import type { Storage } from '../storage/object-store.ts';

/** The clients of one instance, kept for its lifetime. Each is loaded on first use. */
export interface Services {
  storage: Storage;
  publisher(): Promise<Publisher>;
  log: Logger;
}

/** Pure: throws one `invalid-config` that lists every bad variable, the handler's own first. */
export function parseConfig<S>(
  env: Env,
  parseSettings: (env: Env) => S,
): { config: ServiceConfig; settings: S } {
  const settings = attempt(() => parseSettings(env));
  const services = attempt(() => serviceConfig(readSettings(serviceSettings, env)));
  if ('mistakes' in settings || 'mistakes' in services) {
    const own = 'mistakes' in settings ? settings.mistakes : '';
    const others = 'mistakes' in services ? services.mistakes.split('; ') : [];
    // a handler may read some of the same variables
    const all = [own, ...others.filter((one) => !own.includes(one))].filter((one) => one !== '');
    throw new AppError('invalid-config', `${PREFIX}${all.join('; ')}`);
  }
  return { config: services.value, settings: settings.value };
}

const PREFIX = 'configuration: ';

function attempt<T>(parse: () => T): { value: T } | { mistakes: string } {
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'invalid-config')) throw error;
    return { mistakes: error.message.replace(PREFIX, '') };
  }
}

export function connect(config: Omit<ServiceConfig, 'stateBucket' | 'deadLetterTopic' | 'limits'>): Services {
  const { project, storageEndpoint, pubsubEndpoint, debug } = config;
  let publisher: Promise<Publisher> | undefined;
  return {
    storage: createGcsStorage({
      ...(storageEndpoint && { apiEndpoint: storageEndpoint }),
      ...(project && { projectId: project }),
    }),
    publisher() {
      publisher ??= import('../gcp/pubsub.ts').then(({ createPublisher }) =>
        createPublisher({ project: project ?? '', ...(pubsubEndpoint && { apiEndpoint: pubsubEndpoint }) }),
      );
      return publisher;
    },
    log: createLogger({ debug }),
  };
}
