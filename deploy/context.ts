import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { Cloud, Kind } from './cloud.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import type { Source } from './source.ts';
import type { Step } from './step.ts';

/** Input of every part's plan. */
export interface Context {
  app: App;
  options: Options;
  names: Names;
  cloud: Cloud;
  source: Source;
  /** The functions' settings, without the names of buckets and topics. */
  settings: Readonly<Record<string, string>>;
}

/** A part of the deployment. It plans the steps from the deployed state to the wanted one; none if both agree. */
export interface Part {
  title: string;
  /** What its steps may change, and Google in consequence: it is read again. Default: all but the enabled services. */
  changes?: readonly Kind[];
  plan(context: Context): Promise<Step[]>;
}

/** Functions of this run: all, or the one of `--only`. */
export function chosen({ app, options }: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return app.functions.filter(({ name }) => options.only === undefined || options.only === name);
}

/** Functions with a replay topic. The inspector has none: what it gives up is put back into its own topic. */
export function replayable(context: Pick<Context, 'app' | 'options'>): FunctionDefinition[] {
  return chosen(context).filter(({ givesUpTo }) => givesUpTo === 'dead-letters');
}

export const inProject = ({ names }: Pick<Context, 'names'>): string => `--project=${names.place.project}`;
export const inRegion = ({ names }: Pick<Context, 'names'>): string => `--region=${names.place.region}`;
