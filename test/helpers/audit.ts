/**
 * A LogEntry of Cloud Audit Logs with the fields of Google's page
 * https://cloud.google.com/logging/docs/audit/understanding-audit-logs
 */
export function logEntry(payload: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    logName: 'projects/demo/logs/cloudaudit.googleapis.com%2Factivity',
    insertId: '1abc2',
    timestamp: '2026-11-21T10:02:05.5Z',
    receiveTimestamp: '2026-11-21T10:02:06.1Z',
    severity: 'NOTICE',
    resource: { type: 'gcs_bucket', labels: { bucket_name: 'uploads', project_id: 'demo' } },
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      serviceName: 'storage.googleapis.com',
      methodName: 'storage.objects.create',
      resourceName: 'projects/_/buckets/uploads/objects/a.mp4',
      authenticationInfo: { principalEmail: 'ada@example.com' },
      requestMetadata: { callerIp: '203.0.113.7', callerSuppliedUserAgent: 'gsutil' },
      authorizationInfo: [{ permission: 'storage.objects.create', granted: true }],
      status: {},
      ...payload,
    },
  };
}

/** The same as Eventarc delivers it: https://cloud.google.com/eventarc/docs/cloudevents-json */
export function auditEvent({
  entry = logEntry(),
  id = 'projects/demo/logs/cloudaudit.googleapis.com%2Factivity1abc21795278126000000',
}: {
  entry?: Record<string, unknown>;
  id?: string;
} = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id,
    source: '//cloudaudit.googleapis.com/projects/demo/logs/activity',
    type: 'google.cloud.audit.log.v1.written',
    subject: 'storage.googleapis.com/projects/_/buckets/uploads/objects/a.mp4',
    time: '2026-11-21T10:02:06.000000Z',
    datacontenttype: 'application/json; charset=utf-8',
    servicename: 'storage.googleapis.com',
    methodname: 'storage.objects.create',
    resourcename: 'projects/_/buckets/uploads/objects/a.mp4',
    data: entry,
  };
}
