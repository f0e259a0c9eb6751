import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '../cli/common/service.ts';
import type { RunningFunction } from '../local/cloud.ts';
import { Problem } from './answers.ts';

/** What a local cloud says of itself. */
export interface Running {
  /** Undefined if nothing of the app asks a model, or the real one is asked. */
  vertex: string | undefined;
  /** Endpoints by function. */
  functions: Readonly<Record<string, string>>;
  running: Readonly<Record<string, RunningFunction>>;
}

/** Undefined for anything but a local cloud that "npm start" runs. */
export function readRunning({ dir }: Pick<Service, 'dir'>): Running | undefined {
  if (dir === undefined) return undefined;
  try {
    const { vertex, functions, running } = JSON.parse(
      readFileSync(join(dir, 'endpoints.json'), 'utf8'),
    ) as Partial<Running>;
    if (functions === undefined || running === undefined) return undefined;
    // never a fault for Google's own service
    const isOurs = vertex !== undefined && new URL(vertex).hostname === '127.0.0.1';
    return { functions, running, vertex: isOurs ? vertex : undefined };
  } catch {
    return undefined;
  }
}

/** Undefined if it does not run. */
export function runningFunction(running: Running | undefined, name: string): RunningFunction | undefined {
  return running && Object.hasOwn(running.running, name) ? running.running[name] : undefined;
}

/** A local cloud's own services: what is for exercises must never reach a deployed project. */
export interface LocalPlace {
  dir: string;
  storage: string;
  pubsub: string;
  project: string;
}

/** Throws a Problem for anything but a local cloud. `what` completes the sentence. */
export function localPlace({ isLocal, dir, storage, pubsub, project }: Service, what: string): LocalPlace {
  if (isLocal && dir !== undefined && storage !== undefined && pubsub !== undefined) {
    return { dir, storage, pubsub, project: project ?? 'local' };
  }
  throw new Problem(409, `${what} in a local cloud only: start one with "npm start"`);
}
