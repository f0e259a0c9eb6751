import { isAttributeText } from '../core/attribute-text.ts';
import { isJsonObject, type Json } from '../core/json-value.ts';
import type { OutgoingMessage } from '../gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';
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
}

/** In characters; longer text is left out of what is derived from it. */
const MAX_TEXT = 4_096;

/** Throws `invalid-event`. `entry` is a LogEntry: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry */
export function readAuditEntry(entry: Json): AuditEntry {
  const payload = entry['protoPayload'];
  if (!isJsonObject(payload)) throw invalid('protoPayload', 'an audit log', payload);
  // they identify it: see EVENT_FORMS
  for (const name of ['logName', 'insertId', 'timestamp']) required(entry, name, name);
  const caller = memberOf(payload, 'authenticationInfo');
  return {
    service: required(payload, 'serviceName', 'protoPayload.serviceName'),
    method: required(payload, 'methodName', 'protoPayload.methodName'),
    resource: textOf(payload['resourceName']),
    principal: textOf(caller['principalEmail']) ?? emailOf(textOf(caller['principalSubject'])),
    operationId: textOf(memberOf(entry, 'operation')['id']),
  };
}

/** The entry as a message for ingestEvent. */
export function auditMessage(entry: Json, { operationId }: AuditEntry): OutgoingMessage {
  const isShort = operationId !== undefined && Buffer.byteLength(operationId) <= PUBSUB_LIMITS.attributeValue;
  const attributes = { 'content-type': 'application/json', ...(isShort && { correlationid: operationId }) };
  return { data: JSON.stringify(entry), attributes };
}

/** `serviceAccount:a@p.iam.gserviceaccount.com` names an account, a `principal://…` of a foreign pool does not. */
function emailOf(subject: string | undefined): string | undefined {
  return /^(?:user|serviceAccount):([^/\s]+@[^/\s]+)$/.exec(subject ?? '')?.[1];
}

function required(from: Json, name: string, path: string): string {
  const value = textOf(from[name]);
  if (value === undefined) throw invalid(path, `1 to ${MAX_TEXT} characters`, from[name]);
  return value;
}

function memberOf(from: Json, name: string): Json {
  const value = from[name];
  return isJsonObject(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) return undefined;
  return isAttributeText(value) ? value : undefined;
}
