import { core } from '../../../functions/app.ts';
import type { FunctionProcessOptions } from '../../../local/function-process.ts';
import { functionNamed } from '../../../shared/app/define-app.ts';
import type { Env } from '../../../shared/core/settings.ts';
import { type IngestScene, startIngest } from '../../helpers/ingest.ts';
import { type InspectorScene, startInspector } from '../../helpers/inspector.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from '../../helpers/pipeline.ts';
import { limitMemory, type MemoryFacts } from './memory-limit.ts';

/** One process of a function, limited to its deployed memory. */
export interface Confined {
  /** How the process ended each time, other than by `close`; it is restarted after each. */
  crashes: string[];
  memory(): MemoryFacts;
  /** One line about peak memory, for stdout. */
  told(): string;
}

export async function confinedIngest(env: Env = {}): Promise<IngestScene & Confined> {
  const { process, confined, remove } = confine('ingestEvent');
  return closingWith(remove, { ...(await startIngest({ env, process })), ...confined });
}

export async function confinedInspector(env: Env = {}): Promise<InspectorScene & Confined> {
  const { process, confined, remove } = confine('inspectDeadLetter');
  return closingWith(remove, { ...(await startInspector({ env, process })), ...confined });
}

/** The local cloud with processVideo alone. */
export async function confinedPipeline(options: PipelineOptions = {}): Promise<Pipeline & Confined> {
  const { process, confined, remove } = confine('processVideo');
  const onFunctionCrash = (_: string, how: string): void => void confined.crashes.push(how);
  const pipeline = await startPipeline({
    ...options,
    prefix: process.prefix,
    events: { ...options.events, onFunctionCrash },
  });
  return closingWith(remove, { ...pipeline, ...confined });
}

function confine(name: string): {
  process: Required<Pick<FunctionProcessOptions, 'prefix' | 'onCrash'>>;
  confined: Confined;
  remove(): Promise<void>;
} {
  const limit = limitMemory(functionNamed(core, name)!.instance.memory);
  const crashes: string[] = [];
  return {
    process: {
      prefix: limit.prefix,
      onCrash: (code, signal) => void crashes.push(signal ?? `exit code ${code}`),
    },
    confined: {
      crashes,
      memory: limit.facts,
      told() {
        const { peakBytes, oomKills } = limit.facts();
        const peak = peakBytes === undefined ? 'unknown' : `${Math.round(peakBytes / 1024 ** 2)} MiB`;
        return `peak ${peak} of ${limit.bytes / 1024 ** 2} MiB, ${oomKills} kills, ${crashes.length} crashes`;
      },
    },
    remove: limit.remove,
  };
}

function closingWith<T extends { close(): Promise<void> }>(remove: () => Promise<void>, scene: T): T {
  const { close } = scene;
  return {
    ...scene,
    async close() {
      await close();
      await remove();
    },
  };
}
