import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { Cloud } from './cloud.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import type { Source } from './source.ts';
import type { Step } from './step.ts';

/** What the parts of a deployment are planned from. */
export interface Context {
  app: App;
  options: Options;
  names: Names;
  cloud: Cloud;
  source: Source;
  /** The functions' settings beside the names of their buckets and topics. */
  settings: Readonly<Record<string, string>>;
}

/** A part of the deployment: the steps from what there is to what there should be; none where it is right. */
export interface Part {
  title: string;
  plan(context: Context): Promise<Step[]>;
}

/** The functions of this run. */
export function chosen({ app, options }: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return app.functions.filter(({ name }) => options.only === undefined || options.only === name);
}

/** Those that can be sent an event again: what the inspector gives up is put back into its topic. */
export function replayable(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ givesUpTo }) => givesUpTo === 'dead-letters');
}

export const inProject = ({ names }: Pick<Context, 'names'>): string => `--project=${names.place.project}`;
export const inRegion = ({ names }: Pick<Context, 'names'>): string => `--region=${names.place.region}`;
