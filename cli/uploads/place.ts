import { UsageError } from '../common/options.ts';
import {
  findService,
  orLocally,
  SERVICE_HELP,
  SERVICE_OPTIONS,
  type Service,
  type ServiceOptions,
} from '../common/service.ts';

export const PLACE_OPTIONS = {
  'frames-bucket': { type: 'string' },
  'state-bucket': { type: 'string' },
  ...SERVICE_OPTIONS,
} as const;

export const PLACE_HELP = `  --frames-bucket B  where frames and manifests are (default: FRAMES_BUCKET, or frames locally)
  --state-bucket B   where the records are (default: STATE_BUCKET, or state locally)
${SERVICE_HELP}`;

export interface PlaceOptions extends ServiceOptions {
  'frames-bucket'?: string | undefined;
  'state-bucket'?: string | undefined;
}

export interface Place extends Service {
  framesBucket: string;
  stateBucket: string;
}

/** Throws UsageError and Failure. */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv): Place {
  const service = findService(options, env);
  const bucket = (option: 'frames-bucket' | 'state-bucket', variable: string, local: string): string => {
    const name = options[option] || orLocally(variable, local, service, env);
    if (name !== undefined) return name;
    throw new UsageError(`--${option} must be given, or ${variable} set ("npm start" starts a local cloud)`);
  };
  return {
    ...service,
    framesBucket: bucket('frames-bucket', 'FRAMES_BUCKET', 'frames'),
    stateBucket: bucket('state-bucket', 'STATE_BUCKET', 'state'),
  };
}
