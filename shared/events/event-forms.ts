/**
 * How events are written that are not CloudEvents. One table for the reader and the docs; the first form that fits
 * counts.
 *
 * A place is a template: `{name}` is a member of the body, `{a.b}` a member of its member, `{a.0}` the first element of
 * an array, `{@name}` an attribute of the message. It has no value if one of its parts is missing. The first place with a usable value counts; a
 * malformed value is skipped.
 */
export interface EventForm {
  name: string;
  /** The vendor's document that describes it. */
  document?: string;
  /** Text that must be there. */
  needs: readonly string[];
  /** Members that must be there, whatever they are. */
  holds?: readonly string[];
  /** Exact values. */
  equals?: Readonly<Record<string, string>>;
  /** Together with the source it identifies the event. Undefined: the event is identified by its content. */
  id?: readonly string[];
  source: readonly string[];
  type: readonly string[];
  subject?: readonly string[];
  time?: readonly string[];
  dataschema?: readonly string[];
  /** Member with the event's data, if it is there. Default: the whole body. */
  data?: string;
}

/** Names of attributes come first: they say what the message is, and a body may mean anything by them. */
const PLAIN = {
  type: ['{@ce-type}', '{@type}', '{@eventType}', '{@event_type}'],
  typeInBody: ['{type}', '{event}', '{eventType}', '{event_type}', '{detail-type}'],
  source: ['{@ce-source}', '{@source}', '{source}'],
  subject: ['{@ce-subject}', '{@subject}', '{subject}'],
  time: ['{@ce-time}', '{@time}', '{@eventTime}', '{time}', '{eventTime}', '{event_time}', '{timestamp}'],
  dataschema: ['{@ce-dataschema}', '{dataschema}'],
};
/** An event's own members come first: a forwarder adds attributes. */
const OWN = {
  subject: ['{subject}', ...PLAIN.subject.slice(0, 2)],
  time: [...PLAIN.time.slice(3), ...PLAIN.time.slice(0, 3)],
  dataschema: ['{dataschema}', '{@ce-dataschema}'],
};

export const EVENT_FORMS: readonly EventForm[] = [
  {
    name: 'GitHub webhook',
    document: 'https://docs.github.com/en/webhooks/webhook-events-and-payloads',
    needs: ['{@x-github-event}', '{@x-github-delivery}'],
    id: ['{@x-github-delivery}'],
    source: ['{repository.url}', '{organization.url}', 'https://api.github.com'],
    type: ['com.github.{@x-github-event}.{action}', 'com.github.{@x-github-event}'],
    subject: ['{ref}', '{pull_request.url}', '{issue.url}', '{release.url}', '{check_run.url}'],
    time: [
      '{head_commit.timestamp}',
      '{pull_request.updated_at}',
      '{issue.updated_at}',
      '{release.published_at}',
      '{check_run.started_at}',
    ],
  },
  {
    name: 'GitLab webhook',
    document: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
    needs: ['{@x-gitlab-event}', '{@idempotency-key}'],
    id: ['{@idempotency-key}'],
    source: ['{project.web_url}', '{@x-gitlab-instance}', 'https://gitlab.com'],
    type: ['com.gitlab.{object_kind}', 'com.gitlab.{event_name}'],
    subject: ['{ref}', '{object_attributes.url}'],
    time: ['{object_attributes.updated_at}'],
  },
  {
    name: 'Shopify webhook',
    document: 'https://shopify.dev/docs/apps/build/webhooks',
    needs: ['{@x-shopify-topic}', '{@x-shopify-event-id}', '{@x-shopify-shop-domain}'],
    id: ['{@x-shopify-topic}/{@x-shopify-event-id}'],
    source: ['https://{@x-shopify-shop-domain}'],
    type: ['com.shopify.{@x-shopify-topic}'],
    subject: ['{admin_graphql_api_id}'],
    time: ['{@x-shopify-triggered-at}'],
  },
  {
    name: 'Cloud Storage notification',
    document: 'https://cloud.google.com/storage/docs/pubsub-notifications',
    needs: ['{@eventType}', '{@bucketId}', '{@objectId}', '{@objectGeneration}', '{@eventTime}'],
    id: ['{@objectId}#{@objectGeneration}/{@eventType}/{@eventTime}'],
    source: ['//storage.googleapis.com/projects/_/buckets/{@bucketId}'],
    type: ['{@eventType}'],
    subject: ['objects/{@objectId}'],
    time: ['{@eventTime}'],
  },
  {
    name: 'Amazon EventBridge',
    document: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html',
    needs: ['{detail-type}', '{source}', '{id}'],
    holds: ['detail'],
    id: ['{id}'],
    source: ['{source}'],
    type: ['{detail-type}'],
    subject: ['{resources.0}'],
    time: ['{time}'],
    data: 'detail',
  },
  {
    name: 'Amazon S3 notification',
    document: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html',
    needs: ['{eventName}', '{s3.bucket.name}', '{s3.object.key}', '{responseElements.x-amz-request-id}'],
    equals: { eventSource: 'aws:s3' },
    id: [
      '{responseElements.x-amz-request-id}.{responseElements.x-amz-id-2}/{eventName}/{s3.object.key}/{s3.object.sequencer}',
      '{responseElements.x-amz-request-id}/{eventName}/{s3.object.key}',
    ],
    source: ['aws:s3.{awsRegion}.{s3.bucket.name}', 'aws:s3.{s3.bucket.name}'],
    type: ['com.amazonaws.s3.{eventName}'],
    subject: ['{s3.object.key}'],
    time: ['{eventTime}'],
  },
  {
    name: 'Amazon SNS notification',
    document: 'https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html',
    needs: ['{MessageId}', '{TopicArn}', '{Type}'],
    id: ['{MessageId}'],
    source: ['{TopicArn}'],
    type: ['com.amazonaws.sns.{Type}'],
    subject: ['{Subject}'],
    time: ['{Timestamp}'],
  },
  {
    name: 'Azure Event Grid',
    document: 'https://learn.microsoft.com/en-us/azure/event-grid/event-schema',
    needs: ['{id}', '{topic}', '{subject}', '{eventType}', '{eventTime}'],
    id: ['{id}'],
    source: ['{topic}'],
    type: ['{eventType}'],
    subject: ['{subject}'],
    time: ['{eventTime}'],
    data: 'data',
  },
  {
    name: 'Cloud Audit Logs entry',
    document: 'https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry',
    needs: [
      '{protoPayload.serviceName}',
      '{protoPayload.methodName}',
      '{insertId}',
      '{logName}',
      '{timestamp}',
    ],
    id: ['{insertId}/{timestamp}'],
    source: ['//logging.googleapis.com/{logName}'],
    type: ['google.cloud.audit.log.v1.written'],
    subject: ['{protoPayload.serviceName}/{protoPayload.resourceName}', '{protoPayload.serviceName}'],
    time: ['{timestamp}'],
  },
  {
    name: 'Stripe event',
    document: 'https://docs.stripe.com/api/events/object',
    needs: ['{id}', '{type}'],
    holds: ['created'],
    equals: { object: 'event' },
    id: ['{id}'],
    source: ['https://api.stripe.com'],
    type: ['com.stripe.{type}'],
    subject: ['{data.object.id}'],
    time: ['{created}'],
    data: 'data',
  },
  {
    name: 'Stripe thin event',
    document: 'https://docs.stripe.com/api/v2/core/events/event-types',
    needs: ['{id}', '{type}', '{created}'],
    equals: { object: 'v2.core.event' },
    id: ['{id}'],
    source: ['https://api.stripe.com'],
    type: ['com.stripe.{type}'],
    subject: ['{related_object.id}'],
    time: ['{created}'],
  },
  {
    name: 'object with type, source and id',
    needs: ['{type}', '{source}', '{id}'],
    id: ['{id}'],
    source: ['{source}'],
    type: ['{type}'],
    ...OWN,
    data: 'data',
  },
  {
    name: 'object with type, source and data',
    needs: ['{type}', '{source}'],
    holds: ['data'],
    source: ['{source}'],
    type: ['{type}'],
    ...OWN,
    data: 'data',
  },
  {
    name: 'any other JSON',
    needs: [],
    source: PLAIN.source,
    type: [...PLAIN.type, ...PLAIN.typeInBody],
    subject: PLAIN.subject,
    time: PLAIN.time,
    dataschema: PLAIN.dataschema,
  },
];
