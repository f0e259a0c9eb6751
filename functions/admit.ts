import http, { type RequestListener, type Server } from 'node:http';
import { type App, functionNamed } from '../shared/app/define-app.ts';
import type { Trigger } from '../shared/app/trigger.ts';
import { deployedMemory } from '../shared/core/deployed-memory.ts';
import { AppError } from '../shared/core/errors.ts';
import { createLogger } from '../shared/core/log.ts';
import { Admission } from '../shared/invocation/admission.ts';
import { bodyProblems } from '../shared/invocation/body-problems.ts';
import { InFlight } from '../shared/invocation/in-flight.ts';
import { pushesAsEvents } from '../shared/invocation/push.ts';
import { type Serve, wholeBodies } from '../shared/invocation/whole-body.ts';
import { parseAdmissionConfig } from './settings.ts';

/**
 * The framework reads a whole body before it calls a handler: admission is decided before that, at the one server
 * that it creates.
 *
 * While it is processed, a byte of a body takes five bytes of memory (raw bytes, their text, parsed JSON, the
 * message's bytes, the event's text, a Parquet page), or nine if it is refused and published as a dead letter:
 * measured with bodies of 1.3 and 13 MB. Bodies take at most nine sixteenths of an instance.
 */
const MEMORY_PER_BODY_BYTE = 16;

const inFlight = new InFlight();

/**
 * Requests a redelivery: Pub/Sub and Eventarc treat 429 as a nack and back off. Cloud Run logs it as a warning, but
 * 5xx as an error. Throws if the request cannot be found.
 */
export function answerBusy(event: unknown, reason: string): Promise<never> {
  if (!inFlight.answer(event, 429, reason)) throw new AppError('busy', reason);
  // never resolves: the framework must not answer again
  return new Promise(() => {});
}

/**
 * Requests a redelivery for an attempt whose failure is in the log: thrown to the framework, it would be logged a
 * second time, without its severity and fields. Throws if the request cannot be found.
 */
export function answerFailed(event: unknown, error: AppError): Promise<never> {
  if (!inFlight.answer(event, 500, error.code)) throw error;
  return new Promise(() => {});
}

/**
 * Must be called before the framework creates its server. `serving` returns the `http` function of that name, to call
 * it without the framework.
 */
export function admitBySize(app: App, serving: (name: string) => Serve): void {
  const { createServer } = http;
  const createAdmittingServer = (listener: RequestListener): Server => {
    Object.assign(http, { createServer });
    const { functionName: name, admitBytes } = parseAdmissionConfig(process.env);
    const definition = functionNamed(app, name);
    const { memory } = definition?.instance ?? { memory: '512Mi' };
    const bytes = admitBytes || Math.floor(deployedMemory(memory) / MEMORY_PER_BODY_BYTE);
    const log = createLogger({ fields: { function: name } });
    const server = createServer(
      new Admission({ bytes, log }).guard(listenerFor(definition?.trigger, listener, () => serving(name))),
    );
    // limits the time of a body to that of the longest small function
    server.requestTimeout = 60_000;
    // the front end keeps connections for 600 s: if we closed first, it could send on a closed one
    server.keepAliveTimeout = 620_000;
    return server;
  };
  Object.assign(http, { createServer: createAdmittingServer });
}

/** Requests of an `http` function are no pushes, whatever their paths. */
function listenerFor(
  trigger: Trigger | undefined,
  framework: RequestListener,
  serve: () => Serve,
): RequestListener {
  if (trigger?.kind !== 'http') return inFlight.track(pushesAsEvents(framework));
  return trigger.body === 'bytes' ? wholeBodies(serve()) : bodyProblems(framework);
}
