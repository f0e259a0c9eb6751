import type { CloudEvents, LocalCloud } from './cloud.ts';

/** How `npm start` handles its files, and what it prints meanwhile. */
export interface Work {
  /** To be passed to the cloud. */
  events: CloudEvents;
  /** Uploads the files one after another. False if one of them failed. */
  run(cloud: LocalCloud, files: readonly string[]): Promise<boolean>;
  /** Suggested next commands, as lines to type. */
  next(cloud: LocalCloud): string[];
}

export interface WorkOptions {
  print(line: string): void;
  /** Prints to standard error. */
  complain(line: string): void;
}

/** Variables that point gcloud at a local service, with a trailing space. */
export function gcloudAt(service: 'STORAGE' | 'PUBSUB', url: string): string {
  const path = service === 'STORAGE' ? '/storage/v1/' : '/';
  return (
    `CLOUDSDK_API_ENDPOINT_OVERRIDES_${service}=${url}${path} ` +
    'CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true CLOUDSDK_CORE_PROJECT=local '
  );
}
