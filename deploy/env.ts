import type { Names } from './names.ts';

/** What the pipeline command needs to know of this deployment, as lines for a shell. */
export function cliEnvironment(names: Names): string[] {
  return [
    `export GOOGLE_CLOUD_PROJECT=${names.place.project}`,
    `export RAW_BUCKET=${names.bucket('raw')}`,
    `export FRAMES_BUCKET=${names.bucket('frames')}`,
    `export STATE_BUCKET=${names.bucket('state')}`,
    `export LAKE_BUCKET=${names.bucket('lake')}`,
    `export EVENTS_TOPIC=${names.topicPath(names.topic('events'))}`,
    `export DEAD_LETTER_TOPIC=${names.topicPath(names.topic('dead-letters'))}`,
    `export UNREAD_SUBSCRIPTION=${names.unreadSubscription}`,
    `export REPLAY_TOPIC_PREFIX=${names.replayPrefix}`,
  ];
}

/** What there is now, and how to begin. */
export function madeLines(names: Names): string[] {
  const { project, region } = names.place;
  return [
    '',
    `upload videos to    gs://${names.bucket('raw')}`,
    `frames come out in  gs://${names.bucket('frames')}`,
    `events go to        ${names.topicPath(names.topic('events'))}`,
    `tables are in       gs://${names.bucket('lake')}`,
    `dashboard           https://console.cloud.google.com/monitoring/dashboards?project=${project}`,
    `functions           https://console.cloud.google.com/functions/list?project=${project} (${region})`,
    '',
    'for npx pipeline lake|dlq … --cloud (./deploy.sh --env prints it again):',
    ...cliEnvironment(names).map((line) => `  ${line}`),
  ];
}
