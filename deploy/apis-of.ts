import { secretsOf } from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import { isFiredByEventarc } from '../shared/app/trigger.ts';

/** The Google APIs that an app needs: the purpose by name, without `.googleapis.com`. */
export function apisOf({
  functions,
  topics,
}: Pick<App, 'functions' | 'topics'>): Readonly<Record<string, string>> {
  const hasEventarc = functions.some(({ trigger }) => isFiredByEventarc(trigger));
  const hasSchedule = functions.some(({ trigger }) => trigger.kind === 'schedule');
  const hasSecrets = functions.flatMap(secretsOf).some(({ required }) => required);
  return {
    cloudresourcemanager: 'the project and its roles',
    serviceusage: 'enables the services below',
    cloudbilling: 'checks that the project has a billing account',
    iam: 'service accounts',
    storage: 'buckets',
    ...((hasEventarc || Object.keys(topics).length > 0) && { pubsub: 'topics and subscriptions' }),
    ...(hasEventarc && { eventarc: 'triggers' }),
    cloudfunctions: 'functions',
    run: 'runs the functions',
    cloudbuild: 'builds functions',
    artifactregistry: 'stores the built images',
    ...Object.assign({}, ...functions.map(({ apis }) => apis)),
    ...(hasSchedule && { cloudscheduler: 'fires functions on their schedules' }),
    logging: 'logs and their metrics',
    monitoring: 'dashboard and alerts',
    ...(hasSecrets && { secretmanager: 'secrets of functions' }),
  };
}
