/**
 * Structured logs: one line of JSON on stdout per entry, with the special fields of Cloud Logging
 * (https://cloud.google.com/logging/docs/structured-logging).
 */
export type Severity = 'DEBUG' | 'INFO' | 'NOTICE' | 'WARNING' | 'ERROR' | 'CRITICAL';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** `error.stack` goes where Error Reporting looks for it. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** A logger that adds these fields to every entry. */
  with(fields: LogFields): Logger;
}

const ERROR_REPORT_TYPE =
  'type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent';

export interface LoggerOptions {
  write?: (line: string) => void;
  fields?: LogFields;
  debug?: boolean;
}

export function createLogger(options: LoggerOptions = {}): Logger {
  return new LineLogger(options, options.fields ?? {});
}

/** A class, because a logger is created for every event: its methods are created once. */
class LineLogger implements Logger {
  readonly #options: LoggerOptions;
  readonly #fields: LogFields;

  constructor(options: LoggerOptions, fields: LogFields) {
    this.#options = options;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#options.debug) this.#entry('DEBUG', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#entry('INFO', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#entry('WARNING', message, fields);
  }

  error(message: string, error: unknown, fields?: LogFields): void {
    this.#entry('ERROR', message, { '@type': ERROR_REPORT_TYPE, stack_trace: stackOf(error), ...fields });
  }

  with(fields: LogFields): Logger {
    return new LineLogger(this.#options, { ...this.#fields, ...fields });
  }

  #entry(severity: Severity, message: string, fields: LogFields = {}): void {
    const line = `${stringify({ severity, message, ...this.#fields, ...fields })}\n`;
    if (this.#options.write) this.#options.write(line);
    else process.stdout.write(line);
  }
}

const TRACE = 'logging.googleapis.com/trace';

/**
 * The trace fields of a request's `traceparent` (https://www.w3.org/TR/trace-context/), so that Cloud Logging
 * files the entries under the request. Empty if the header is absent or malformed.
 */
export function traceFields(traceparent: unknown, project: string | undefined): LogFields {
  const match =
    typeof traceparent === 'string' &&
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent);
  if (!match) return {};
  const [, trace, span, flags] = match;
  return {
    [TRACE]: project ? `projects/${project}/traces/${trace}` : trace,
    'logging.googleapis.com/spanId': span,
    'logging.googleapis.com/trace_sampled': (Number.parseInt(flags!, 16) & 1) === 1,
  };
}

/**
 * The producer's trace, besides the request's own: Cloud Logging files an entry under one trace only. Undefined if
 * they are the same, or if there is none.
 */
export function linkedTraceOf(
  traceparent: string | undefined,
  request: LogFields,
  project: string | undefined,
): unknown {
  if (traceparent === undefined) return undefined;
  const linked = traceFields(traceparent, project)[TRACE];
  return linked === request[TRACE] ? undefined : linked;
}

export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`;
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item));
}
