import { type ServiceConfig, serviceConfig, serviceSettings } from '../app/service-settings.ts';
import { AppError } from '../core/errors.ts';
import { createLogger, type Logger } from '../core/log.ts';
import { readSettings, SettingsError } from '../core/read-settings.ts';
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
    const all = [settings, services].flatMap((one) => ('mistakes' in one ? one.mistakes : []));
    // a handler may read some of the same variables
    throw new SettingsError([...new Set(all)]);
  }
  return { config: services.value, settings: settings.value };
}

function attempt<T>(parse: () => T): { value: T } | { mistakes: readonly string[] } {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof SettingsError) return { mistakes: error.mistakes };
    if (error instanceof AppError && error.code === 'invalid-config') return { mistakes: [error.message] };
    throw error;
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
