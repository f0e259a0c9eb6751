import type { CloudEvents, LocalCloud } from './cloud.ts';

/** What `npm start` does with the files it is given, and what it prints meanwhile. */
export interface Work {
  /** To be passed to the cloud. */
  events: CloudEvents;
  /** Uploads the files, one after the other. False if one of them failed. */
  run(cloud: LocalCloud, files: readonly string[]): Promise<boolean>;
  /** What to do next, as lines to be typed. */
  next(cloud: LocalCloud): string[];
}

export interface WorkOptions {
  print(line: string): void;
  /** To standard error. */
  complain(line: string): void;
}

/** Variables by which gcloud talks to a local service, with a blank behind. */
export function gcloudAt(service: 'STORAGE' | 'PUBSUB', url: string): string {
  const path = service === 'STORAGE' ? '/storage/v1/' : '/';
  return (
    `CLOUDSDK_API_ENDPOINT_OVERRIDES_${service}=${url}${path} ` +
    'CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true CLOUDSDK_CORE_PROJECT=local '
  );
}
