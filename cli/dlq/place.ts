import { printable } from '../../local/terminal-text.ts';
import { appFolder } from '../common/app.ts';
import { quoted, UsageError } from '../common/options.ts';
import {
  findService,
  orLocally,
  SERVICE_HELP,
  SERVICE_OPTIONS,
  type Service,
  type ServiceOptions,
} from '../common/service.ts';

export const PLACE_OPTIONS = {
  'state-bucket': { type: 'string' },
  project: { type: 'string' },
  app: { type: 'string' },
  ...SERVICE_OPTIONS,
} as const;

export const PLACE_HELP = `  --json             print JSON, and nothing else, on standard output
  --state-bucket B   where the dead letters are kept (default: STATE_BUCKET, or state locally)
  --project P        project of the topics (default: GOOGLE_CLOUD_PROJECT, or local locally)
  --app DIR          folder of the app (default: the app of the local cloud, or PIPELINE_APP, or the core)
${SERVICE_HELP}`;

export interface PlaceOptions extends ServiceOptions {
  'state-bucket'?: string | undefined;
  project?: string | undefined;
  app?: string | undefined;
}

/** Location of the dead letters, and of what they refer to. */
export interface Place extends Service {
  stateBucket: string;
  /** Folder of the app that the dead letters belong to. */
  appDir: string;
  env: NodeJS.ProcessEnv;
  /** The table of events. */
  lake: { bucket: string; path: string } | undefined;
  /** Folder of the table of dead letters, in the same bucket. */
  deadLettersPath: string;
  /** Prefix of replay topics: `replay-` in `replay-processvideo`. */
  topicPrefix: string;
  /** Short name, or `projects/P/topics/T`. */
  deadLetterTopic: string;
  /** Short name of the subscription with the dead letters that the inspector gave up. */
  unreadSubscription: string;
  /** `gs://bucket/dead-letters/ in …`, safe for a terminal. */
  inWords: string;
  /** `npx pipeline dlq show 12ab --local DIR`: includes the options that selected this place. */
  command: CommandText;
}

/** Builds a command line to paste from the part after `dlq`. */
export type CommandText = (rest: string) => string;

export const plainCommand: CommandText = (rest) => `npx pipeline dlq ${rest}`;

/**
 * Throws UsageError and Failure.
 * @param localDir where to look for a local cloud by default
 */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv, localDir?: string): Place {
  const service = findService(options, env, localDir);
  const stateBucket = options['state-bucket'] ?? orLocally('STATE_BUCKET', 'state', service, env);
  if (stateBucket === undefined) {
    throw new UsageError(
      '--state-bucket or STATE_BUCKET must be given ("npm start" starts a local cloud, which has one)',
    );
  }
  check('state-bucket', stateBucket, /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'the name of a bucket');
  const project = options.project ?? service.project;
  if (project !== undefined) check('project', project, /^[a-z][a-z0-9:.-]{2,62}$/, 'the id of a project');
  const lakeBucket = orLocally('LAKE_BUCKET', 'lake', service, env);
  return {
    ...service,
    stateBucket,
    appDir: appFolder(options.app, service.app, env),
    env,
    lake: lakeBucket === undefined ? undefined : { bucket: lakeBucket, path: env['LAKE_PATH'] || 'events' },
    project,
    topicPrefix: env['REPLAY_TOPIC_PREFIX'] || 'replay-',
    deadLettersPath: env['DEAD_LETTERS_PATH'] || 'dead-letters',
    deadLetterTopic: env['DEAD_LETTER_TOPIC'] || 'dead-letters',
    unreadSubscription: env['UNREAD_SUBSCRIPTION'] || 'dead-letters-unread',
    inWords: `gs://${stateBucket}/dead-letters/ in ${printable(service.where)}`,
    command: (rest) => plainCommand(`${rest}${typed(options)}`),
  };
}

function typed(options: PlaceOptions): string {
  const named = (['state-bucket', 'project', 'app', 'local'] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [` --${name} ${shellWord(value)}`];
  });
  return `${named.join('')}${options.cloud ? ' --cloud' : ''}`;
}

function shellWord(text: string): string {
  const shown = printable(text);
  return /^[\w./:@%+,=-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function check(option: string, text: string, allowed: RegExp, inWords: string): void {
  if (!allowed.test(text)) throw new UsageError(`--${option} must be ${inWords}, got ${quoted(text)}`);
}
