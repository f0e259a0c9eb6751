import { expect, test } from 'vitest';
import { ownReason } from '../../../functions/audit-log/own-accounts.ts';
import { readAuditEvent } from '../../../functions/audit-log/record-audit-log.ts';
import { services } from '../../../functions/services.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { withOptional } from '../../../shared/app/optional.ts';
import { readAuditEntry } from '../../../shared/events/audit-entry.ts';
import { auditEvent, logEntry } from '../../helpers/audit.ts';

const app = withOptional(defineApp({ name: 'any', includes: [services] }));
const own = { app, project: 'demo', places: ['demo-lake', 'demo-state', 'pipeline-events'] };

const reasonFor = (authenticationInfo: unknown, resourceName = 'projects/_/buckets/uploads/objects/a') =>
  ownReason(readAuditEntry(logEntry({ authenticationInfo, resourceName })), own);

test.each([
  ['ingest', { principalEmail: 'pipeline-ingestevent@demo.iam.gserviceaccount.com' }],
  ['the function itself', { principalEmail: 'pipeline-recordauditlog@demo.iam.gserviceaccount.com' }],
  ['maintenance', { principalEmail: 'pipeline-maintaintable@demo.iam.gserviceaccount.com' }],
  [
    'a second deployment of another prefix, whose entries would be answered with entries',
    { principalEmail: 'blue-2-ingestevent@demo.iam.gserviceaccount.com' },
  ],
  [
    'an account that is named by its subject alone',
    { principalSubject: 'serviceAccount:pipeline-ingestevent@demo.iam.gserviceaccount.com' },
  ],
])('an entry about %s is left out', (_, caller) => {
  expect(reasonFor(caller)).toBe("one of the pipeline's own accounts");
});

test.each(['gs-project-accounts', 'gcp-sa-pubsub', 'gcp-sa-eventarc', 'gcp-sa-cloudscheduler'])(
  "an entry about Google's account %s, which delivers the events, is left out",
  (agent) => {
    expect(reasonFor({ principalEmail: `service-123@${agent}.iam.gserviceaccount.com` })).toMatch(
      /^Google's/,
    );
  },
);

test.each([
  ['a person', { principalEmail: 'ada@example.com' }],
  ["a person whose name ends like a function's", { principalEmail: 'ada-ingestevent@example.com' }],
  ['an account of another project', { principalEmail: 'pipeline-ingestevent@other.iam.gserviceaccount.com' }],
  [
    'an account that only contains the name',
    { principalEmail: 'pipeline-ingestevents@demo.iam.gserviceaccount.com' },
  ],
  ["Google's account of another service", { principalEmail: 'service-1@gcp-sa-x.iam.gserviceaccount.com' }],
  ['a foreign pool', { principalSubject: 'principal://iam.googleapis.com/pool/subject/ada' }],
  ['nobody', undefined],
])('an entry about %s is recorded', (_, caller) => {
  expect(reasonFor(caller)).toBeUndefined();
});

test.each([
  'projects/_/buckets/demo-lake/objects/events/1.parquet',
  'projects/_/buckets/demo-state',
  'projects/demo/topics/pipeline-events',
])('an unnamed caller of %s may be ours, and is left out', (resource) => {
  expect(reasonFor({}, resource)).toMatch(/unnamed caller/);
  expect(reasonFor({ principalEmail: 'ada@example.com' }, resource)).toBeUndefined();
});

test('a resource that only begins with the name of ours is recorded', () => {
  expect(reasonFor({}, 'projects/_/buckets/demo-lake-2/objects/a')).toBeUndefined();
});

test('an entry is identified as a log sink would send it; its operation is the correlation', () => {
  const operation = { id: 'operation-7', producer: 'compute.googleapis.com', first: true };
  const { event, message } = readAuditEvent(auditEvent({ entry: { ...logEntry(), operation } }));
  expect(event).toMatchObject({
    id: '1abc2/2026-11-21T10:02:05.5Z',
    source: '//logging.googleapis.com/projects/demo/logs/cloudaudit.googleapis.com%2Factivity',
    type: 'google.cloud.audit.log.v1.written',
    subject: 'storage.googleapis.com/projects/_/buckets/uploads/objects/a.mp4',
    time: '2026-11-21T10:02:05.5Z',
    correlationId: 'operation-7',
  });
  expect(message).toEqual({
    data: JSON.stringify({ ...logEntry(), operation }),
    attributes: { 'content-type': 'application/json', correlationid: 'operation-7' },
  });
});

test("an operation's id that is too long for an attribute is left out", () => {
  const operation = { id: 'o'.repeat(1_025) };
  const { event, message } = readAuditEvent(auditEvent({ entry: { ...logEntry(), operation } }));
  expect([event.correlationId, message.attributes]).toEqual([
    undefined,
    { 'content-type': 'application/json' },
  ]);
});

test.each([
  ['no payload', {}, /^protoPayload must be an audit log, got nothing$/],
  [
    'no insertId',
    { ...logEntry(), insertId: undefined },
    /^insertId must be 1 to 4096 characters, got nothing$/,
  ],
  [
    'no method',
    { ...logEntry(), protoPayload: { serviceName: 'a.googleapis.com' } },
    /^protoPayload.methodName must be 1 to 4096 characters, got nothing$/,
  ],
  [
    'a service that is no text',
    { ...logEntry(), protoPayload: { serviceName: 7, methodName: 'm' } },
    /^protoPayload.serviceName must be 1 to 4096 characters, got a number$/,
  ],
])('an entry with %s is refused', (_, entry, message) => {
  expect(() => readAuditEvent(auditEvent({ entry }))).toThrow(message);
});

test('an entry inside the message of a replay is the same event', () => {
  const event = auditEvent();
  const data = Buffer.from(JSON.stringify(event)).toString('base64');
  const replay = { message: { data, attributes: {}, messageId: '1' }, subscription: 'replay-recordauditlog' };
  expect(readAuditEvent(replay)).toEqual(readAuditEvent(event));
});
