import type { App } from '../shared/app/define-app.ts';
import { CORE_DIR, type LoadedApp } from '../shared/app/load-app.ts';
import type { Names } from './names.ts';

/** Environment for the pipeline command to work on a deployment of this app, as `export` lines. */
export function cliEnvironment(names: Names, { app, dir }: LoadedApp): string[] {
  const topics = Object.entries(app.topics).flatMap(([key, { env }]) =>
    env === undefined ? [] : [`${env}=${names.topicPath(names.topic(key))}`],
  );
  return [
    `GOOGLE_CLOUD_PROJECT=${names.place.project}`,
    ...Object.entries(app.buckets).map(([key, { env }]) => `${env}=${names.bucket(key)}`),
    ...topics,
    `UNREAD_SUBSCRIPTION=${names.unreadSubscription}`,
    `REPLAY_TOPIC_PREFIX=${names.replayPrefix}`,
    ...(dir === CORE_DIR ? [] : [`PIPELINE_APP=${dir}`]),
  ].map((line) => `export ${line}`);
}

/** Summary after a deployment: what was created, and how to start using it. */
export function madeLines(names: Names, loaded: LoadedApp): string[] {
  const { project, region } = names.place;
  const { buckets, topics, functions } = loaded.app;
  const lines: [what: string, where: string][] = [
    ...Object.keys(buckets).map((key): [string, string] => [
      `${key} bucket`,
      `gs://${names.bucket(key)}${firedBy(key, loaded.app)}`,
    ]),
    ...functions.flatMap(({ name, trigger }): [string, string][] =>
      trigger.kind === 'http'
        ? [[name, `https://${region}-${project}.cloudfunctions.net/${names.function(name)}`]]
        : [],
    ),
    ...(Object.hasOwn(topics, 'events')
      ? [['events topic', names.topicPath(names.topic('events'))] as [string, string]]
      : []),
    ['dashboard', `https://console.cloud.google.com/monitoring/dashboards?project=${project}`],
    ['functions', `https://console.cloud.google.com/functions/list?project=${project} (${region})`],
  ];
  const width = Math.max(...lines.map(([what]) => what.length)) + 2;
  return [
    '',
    ...lines.map(([what, where]) => `${what.padEnd(width)}${where}`),
    '',
    'environment for npx pipeline lake|dlq … --cloud (./deploy.sh --env prints it again):',
    ...cliEnvironment(names, loaded).map((line) => `  ${line}`),
  ];
}

function firedBy(key: string, { functions }: App): string {
  const names = functions
    .filter(({ trigger }) => trigger.kind === 'objectFinalized' && trigger.bucket === key)
    .map(({ name }) => name);
  return names.length === 0 ? '' : ` (uploads trigger ${names.join(', ')})`;
}
