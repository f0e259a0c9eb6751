import { UsageError } from '../common/options.ts';
import {
  findService,
  orLocally,
  SERVICE_HELP,
  SERVICE_OPTIONS,
  type Service,
  type ServiceOptions,
} from '../common/service.ts';
import { parseTopic, type Topic } from '../lake/replay-topic.ts';

export const PLACE_OPTIONS = {
  'frames-bucket': { type: 'string' },
  topic: { type: 'string' },
  project: { type: 'string' },
  ...SERVICE_OPTIONS,
} as const;

export const PLACE_HELP = `  --frames-bucket B  where frames and manifests are (default: FRAMES_BUCKET, or frames locally)
  --topic T          where questions are published (default: QUESTIONS_TOPIC, or questions locally)
  --project P        project of the topic (default: GOOGLE_CLOUD_PROJECT, or local locally)
${SERVICE_HELP}`;

export interface PlaceOptions extends ServiceOptions {
  'frames-bucket'?: string | undefined;
  topic?: string | undefined;
  project?: string | undefined;
}

export interface Place extends Service {
  framesBucket: string;
  topic: Topic;
  project: string;
}

/** Throws UsageError and Failure. */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv): Place {
  const service = findService(options, env);
  const framesBucket = options['frames-bucket'] || orLocally('FRAMES_BUCKET', 'frames', service, env);
  const topicName = options.topic || orLocally('QUESTIONS_TOPIC', 'questions', service, env);
  if (framesBucket === undefined || topicName === undefined) {
    throw new UsageError(
      '--frames-bucket and --topic must be given, or FRAMES_BUCKET and QUESTIONS_TOPIC set ("npm start" starts a local cloud, which has both)',
    );
  }
  const topic = parseTopic(topicName);
  const project = topic.project ?? options.project ?? service.project;
  if (project === undefined) {
    throw new UsageError('--project must be given, or GOOGLE_CLOUD_PROJECT set');
  }
  return {
    ...service,
    framesBucket,
    topic,
    project,
  };
}
