import { isJsonObject, type Json } from '../core/json-value.ts';
import { invalid } from './cloud-event.ts';

/** The part of a Cloud Audit Logs entry that is read: https://cloud.google.com/logging/docs/audit/understanding-audit-logs */
export interface AuditEntry {
  /** `storage.googleapis.com`. */
  service: string;
  /** `storage.objects.create`. */
  method: string;
  /** `projects/_/buckets/B/objects/O`. */
  resource: string | undefined;
  /** E-mail address of the caller; undefined if the log leaves it out, as for some denied reads. */
  principal: string | undefined;
  /** Shared by the entries of one long-running operation. */
  operationId: string | undefined;
  /** RFC 3339. */
  time: string | undefined;
}

/** In characters; longer text is left out of what is derived from it. */
const MAX_TEXT = 4_096;

/** Throws `invalid-event`. `entry` is a LogEntry: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry */
export function readAuditEntry(entry: Json): AuditEntry {
  const payload = entry['protoPayload'];
  if (!isJsonObject(payload)) throw invalid('protoPayload', 'an audit log', payload);
  const caller = memberOf(payload, 'authenticationInfo');
  return {
    service: required(payload, 'serviceName'),
    method: required(payload, 'methodName'),
    resource: textOf(payload['resourceName']),
    principal: textOf(caller['principalEmail']) ?? emailOf(textOf(caller['principalSubject'])),
    operationId: textOf(memberOf(entry, 'operation')['id']),
    time: textOf(entry['timestamp']),
  };
}

/** The subject that Eventarc gives an entry: https://cloud.google.com/eventarc/docs/cloudevents */
export function subjectOfEntry({ service, resource }: AuditEntry): string | undefined {
  return resource === undefined ? service : textOf(`${service}/${resource}`);
}

/** `serviceAccount:a@p.iam.gserviceaccount.com` names an account, a `principal://…` of a foreign pool does not. */
function emailOf(subject: string | undefined): string | undefined {
  return /^(?:user|serviceAccount):([^/\s]+@[^/\s]+)$/.exec(subject ?? '')?.[1];
}

function required(payload: Json, name: string): string {
  const value = textOf(payload[name]);
  if (value === undefined)
    throw invalid(`protoPayload.${name}`, `1 to ${MAX_TEXT} characters`, payload[name]);
  return value;
}

function memberOf(from: Json, name: string): Json {
  const value = from[name];
  return isJsonObject(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) return undefined;
  return value.isWellFormed() && !/\p{Cc}/u.test(value) ? value : undefined;
}
