import {
  defineFunction,
  type FunctionDefinition,
  type FunctionOptions,
} from '../shared/app/define-function.ts';
import type { EventTrigger } from '../shared/app/trigger.ts';
import { roles, settings } from './record-event.ts';

interface RecorderOptions
  extends Pick<Extract<FunctionOptions, { trigger: EventTrigger }>, 'name' | 'trigger' | 'load' | 'subject'> {
  /** Default: those that every recorder reads. */
  settings?: NonNullable<FunctionOptions['settings']>;
  /** Default 4. */
  maxInstances?: number;
}

/** A function that hands events of another source to the events topic. */
export function defineRecorder({ maxInstances = 4, ...options }: RecorderOptions): FunctionDefinition {
  return defineFunction({
    maxDeliveryAttempts: 20,
    instance: { memory: '512Mi', cpu: 1, concurrency: 80, maxInstances, timeoutSeconds: 60 },
    roles,
    settings,
    ...options,
  });
}
