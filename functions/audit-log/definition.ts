import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import type { OptionalPart } from '../../shared/app/optional.ts';
import { type AuditLog, anyOf, auditLog } from '../../shared/app/trigger.ts';
import { defineRecorder } from '../recorder.ts';
import { settings } from './settings.ts';

const recordAuditLog = (of: readonly AuditLog[]): FunctionDefinition =>
  defineRecorder({
    name: 'recordAuditLog',
    trigger: anyOf(of),
    settings,
    load: () => import('./handler.ts'),
    subject: async () => (await import('./subject.ts')).subjectOf,
  });

export const auditLogs: OptionalPart = {
  value: 'LIST',
  doc: `entries of Cloud Audit Logs become events: SERVICE/METHOD, separated by commas, such as
storage.googleapis.com/storage.buckets.create`,
  functions: [recordAuditLog([])],
  choose: (value) => [recordAuditLog(auditedMethods(value))],
};

/** Methods that the pipeline's services call for each event, by Google's accounts or by its own. */
const CALLED_FOR_EACH_EVENT: readonly { service: string; method: RegExp; because: string }[] = [
  {
    service: 'pubsub.googleapis.com',
    method: /\.(Publish|Pull|StreamingPull|Acknowledge|ModifyAckDeadline)$/,
    because: 'Pub/Sub carries each recorded entry',
  },
  {
    service: 'logging.googleapis.com',
    method: /\.WriteLogEntries$/,
    because: 'a log line is written for each recorded entry',
  },
  {
    service: 'iamcredentials.googleapis.com',
    method: /^Generate|\.Generate/,
    because: 'a token is made for each delivery',
  },
];

/** Parses `SERVICE/METHOD,…`. Throws TypeError. */
export function auditedMethods(value: string): AuditLog[] {
  const found = [...new Set(value.split(',').map((one) => one.trim()))].map((one) => {
    const [, service, method] = /^([a-z0-9-]+\.googleapis\.com)\/([\w.-]+(?:\/[\w.-]+)*)$/.exec(one) ?? [];
    if (service === undefined || method === undefined) {
      throw new TypeError(
        `--audit-logs must be SERVICE/METHOD, such as storage.googleapis.com/storage.buckets.create, got ${JSON.stringify(one)}`,
      );
    }
    const loop = CALLED_FOR_EACH_EVENT.find((each) => each.service === service && each.method.test(method));
    if (loop !== undefined) {
      throw new TypeError(
        `--audit-logs must not name ${one}: ${loop.because}, so each entry would cause the next, for ever`,
      );
    }
    return auditLog({ service, method });
  });
  if (found.length <= MAX_METHODS) return found;
  throw new TypeError(`--audit-logs must name at most ${MAX_METHODS} methods, got ${found.length}`);
}

/** Each is a trigger, with a topic and a subscription; Eventarc allows 500 of them in a region. */
const MAX_METHODS = 50;
