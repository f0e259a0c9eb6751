import type { SourceId } from './receive.ts';

/** A request as its vendor documents it, and the event that it must become. */
export interface VendorRequest {
  name: string;
  document: string;
  source: SourceId;
  headers?: Record<string, string>;
  body: string;
  event: { id: string; source: string; type: string; subject?: string; time?: string };
  /** True if the same body may be published directly, and must then be the same row. */
  direct: boolean;
}

const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** Written by hand in the shape of the vendors' documents. */
export const REQUESTS: readonly VendorRequest[] = [
  {
    name: 'EventBridge, a state change of EC2',
    document: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html',
    source: 'eventbridge/orders',
    body: json({
      version: '0',
      id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
      'detail-type': 'EC2 Instance State-change Notification',
      source: 'aws.ec2',
      account: '111122223333',
      time: '2017-12-22T18:43:48Z',
      region: 'us-west-1',
      resources: ['arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0'],
      detail: { 'instance-id': 'i-1234567890abcdef0', state: 'terminated' },
    }),
    event: {
      id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
      source: 'aws.ec2',
      type: 'EC2 Instance State-change Notification',
      subject: 'arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0',
      time: '2017-12-22T18:43:48Z',
    },
    direct: true,
  },
  {
    name: 'EventBridge, an event of an application',
    document: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html',
    source: 'eventbridge/orders',
    body: json({
      version: '0',
      id: '0d079340-135a-c8c6-95c2-41fb8f496c53',
      'detail-type': 'OrderPaid',
      source: 'shop.orders',
      account: '111122223333',
      time: '2026-02-01T10:00:00Z',
      region: 'eu-west-1',
      resources: [],
      detail: { order: 7, metadata: { correlationId: 'c-1' } },
    }),
    event: {
      id: '0d079340-135a-c8c6-95c2-41fb8f496c53',
      source: 'shop.orders',
      type: 'OrderPaid',
      time: '2026-02-01T10:00:00Z',
    },
    direct: true,
  },
  {
    name: 'Event Grid, a blob that was created',
    document: 'https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage',
    source: 'eventgrid/blobs',
    headers: { 'aeg-event-type': 'Notification' },
    body: json([
      {
        id: '93902694-901e-008f-6f95-7153a806873c',
        eventTime: '2020-08-13T17:18:13.1647262Z',
        eventType: 'Microsoft.Storage.BlobCreated',
        dataVersion: '',
        metadataVersion: '1',
        topic: '/subscriptions/0000/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a',
        subject: '/blobServices/default/containers/c/blobs/file.txt',
        data: { api: 'PutBlob', contentType: 'text/plain', contentLength: 0, blobType: 'BlockBlob' },
      },
    ]),
    event: {
      id: '93902694-901e-008f-6f95-7153a806873c',
      source: '/subscriptions/0000/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a',
      type: 'Microsoft.Storage.BlobCreated',
      subject: '/blobServices/default/containers/c/blobs/file.txt',
      time: '2020-08-13T17:18:13.1647262Z',
    },
    direct: true,
  },
  {
    name: 'Event Grid in the CloudEvents schema',
    document: 'https://learn.microsoft.com/azure/event-grid/cloud-event-schema',
    source: 'eventgrid/blobs',
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
    body: json({
      specversion: '1.0',
      type: 'Microsoft.Storage.BlobCreated',
      source: '/subscriptions/0000/providers/Microsoft.Storage/storageAccounts/a',
      id: '9aeb0fdf-c01e-0131-0922-9eb54906e209',
      time: '2019-11-18T15:13:39.4589254Z',
      subject: 'blobServices/default/containers/c/blobs/new-file.txt',
      data: { api: 'PutBlockList', contentLength: 447 },
    }),
    event: {
      id: '9aeb0fdf-c01e-0131-0922-9eb54906e209',
      source: '/subscriptions/0000/providers/Microsoft.Storage/storageAccounts/a',
      type: 'Microsoft.Storage.BlobCreated',
      subject: 'blobServices/default/containers/c/blobs/new-file.txt',
      time: '2019-11-18T15:13:39.4589254Z',
    },
    direct: true,
  },
  {
    name: 'GitHub, an issue that was opened',
    document: 'https://docs.github.com/webhooks/webhook-events-and-payloads#issues',
    source: 'github/site',
    headers: { 'x-github-event': 'issues', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' },
    body: json({
      action: 'opened',
      issue: { url: 'https://api.github.com/repos/octocat/Hello-World/issues/1347', number: 1347 },
      repository: { id: 1296269, url: 'https://api.github.com/repos/octocat/Hello-World' },
      sender: { login: 'octocat' },
    }),
    event: {
      id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      source: 'https://api.github.com/repos/octocat/Hello-World',
      type: 'com.github.issues.opened',
      subject: 'https://api.github.com/repos/octocat/Hello-World/issues/1347',
    },
    direct: true,
  },
  {
    name: 'GitHub, a push',
    document: 'https://docs.github.com/webhooks/webhook-events-and-payloads#push',
    source: 'github/site',
    headers: { 'x-github-event': 'push', 'x-github-delivery': '8f9c1a2e-0001-11e3-81ab-4c9367dc0958' },
    body: json({
      ref: 'refs/heads/main',
      head_commit: { id: 'f00', timestamp: '2026-03-01T12:00:00+01:00' },
      repository: { url: 'https://github.com/octocat/Hello-World' },
    }),
    event: {
      id: '8f9c1a2e-0001-11e3-81ab-4c9367dc0958',
      source: 'https://github.com/octocat/Hello-World',
      type: 'com.github.push',
      subject: 'refs/heads/main',
      time: '2026-03-01T12:00:00+01:00',
    },
    direct: true,
  },
  {
    name: 'GitHub, the ping of a new webhook',
    document: 'https://docs.github.com/webhooks/webhook-events-and-payloads#ping',
    source: 'github/site',
    headers: { 'x-github-event': 'ping', 'x-github-delivery': '11111111-cc78-11e3-81ab-4c9367dc0958' },
    body: json({
      zen: 'Keep it logically awesome.',
      hook_id: 1,
      organization: { url: 'https://api.github.com/orgs/o' },
    }),
    event: {
      id: '11111111-cc78-11e3-81ab-4c9367dc0958',
      source: 'https://api.github.com/orgs/o',
      type: 'com.github.ping',
    },
    direct: true,
  },
  {
    name: 'Stripe, an event of a setup intent',
    document: 'https://docs.stripe.com/api/events/object',
    source: 'stripe/till',
    body: json({
      id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
      object: 'event',
      api_version: '2019-02-19',
      created: 1686089970,
      data: { object: { id: 'seti_1NG8Du2eZvKYlo2C9XMqbR0x', object: 'setup_intent' } },
      livemode: false,
      pending_webhooks: 0,
      request: { id: null, idempotency_key: null },
      type: 'setup_intent.created',
    }),
    event: {
      id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
      source: 'https://api.stripe.com',
      type: 'com.stripe.setup_intent.created',
      subject: 'seti_1NG8Du2eZvKYlo2C9XMqbR0x',
      time: '2023-06-06T22:19:30.000Z',
    },
    direct: true,
  },
  {
    name: 'Standard Webhooks',
    document: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
    source: 'hmac/partner',
    headers: { 'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W' },
    body: json({ type: 'contact.created', timestamp: '2022-11-03T20:26:10.344522Z', data: { id: '1f81' } }),
    event: {
      id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      source: '/hmac/partner',
      type: 'contact.created',
      time: '2022-11-03T20:26:10.344522Z',
    },
    direct: false,
  },
  {
    name: 'CloudEvents, structured',
    document: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md',
    source: 'cloudevents/shop',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: json({
      specversion: '1.0',
      type: 'com.example.someevent',
      source: '/mycontext',
      id: 'C234-1234-1234',
      time: '2018-04-05T17:31:00Z',
      comexampleextension1: 'value',
      datacontenttype: 'application/json',
      data: { appinfoA: 'abc', appinfoB: 123, appinfoC: true },
    }),
    event: {
      id: 'C234-1234-1234',
      source: '/mycontext',
      type: 'com.example.someevent',
      time: '2018-04-05T17:31:00Z',
    },
    direct: true,
  },
];
