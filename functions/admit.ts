import http, { type RequestListener, type Server } from 'node:http';
import { functionNamed } from '../shared/app/define-app.ts';
import { Admission } from '../shared/runtime/admission.ts';
import { instanceMemory } from '../shared/runtime/instance-memory.ts';
import { createLogger } from '../shared/runtime/log.ts';
import { core } from './app.ts';
import { parseAdmissionConfig } from './config.ts';

/**
 * The framework reads a body whole before it calls a handler: what may be in flight is decided before that, at the
 * one server that it makes.
 *
 * A byte of a body comes to as many as five while it is worked on (measured: the raw bytes, their text, the parsed
 * JSON, the message's bytes, the event's text, and a Parquet page). Bodies may so fill a third of the instance.
 */
const MEMORY_PER_BODY_BYTE = 12;

const { createServer } = http;

function createAdmittingServer(listener: RequestListener): Server {
  Object.assign(http, { createServer });
  const { functionName: name, admitBytes } = parseAdmissionConfig(process.env);
  const { memory } = functionNamed(core, name)?.instance ?? { memory: '512Mi' };
  const bytes = admitBytes || Math.floor(instanceMemory(memory) / MEMORY_PER_BODY_BYTE);
  const log = createLogger({ fields: { function: name } });
  const server = createServer(new Admission({ bytes, log }).guard(listener));
  // a body must be there in the time that the longest of the small functions has
  server.requestTimeout = 60_000;
  // the front end keeps connections for 600 s: one that we close first may be the one it sends on
  server.keepAliveTimeout = 620_000;
  return server;
}

Object.assign(http, { createServer: createAdmittingServer });
