import { randomUUID } from 'node:crypto';
import { openPublisher } from '../cli/common/publisher.ts';
import type { Service } from '../cli/common/service.ts';
import type { App } from '../shared/app/define-app.ts';
import { structuredMessage } from '../shared/events/outgoing-event.ts';
import type { OutgoingMessage } from '../shared/gcp/pubsub.ts';
import type { EventDraft, PublishAnswer } from './action-types.ts';
import { Problem } from './answers.ts';
import { eventTopics, problemsOf, schemaOf, takersOf } from './event-forms.ts';
import { localPlace, readRunning } from './running.ts';

const MOST_CHARACTERS = 1_024;

/** Publishes one event to a topic of the local cloud; a dry run says what it would publish, and what is wrong. */
export async function publishEvent(
  service: Service,
  app: App,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<PublishAnswer> {
  const { project } = localPlace(service, 'events are published');
  const draft = readDraft(body);
  const topics = eventTopics(app);
  if (!topics.includes(draft.topic)) {
    throw new Problem(
      400,
      `topic must be one of ${topics.join(', ')}, got ${JSON.stringify(draft.topic.slice(0, 80))}`,
    );
  }
  const { type, version } = draft;
  const schema = version === undefined ? undefined : schemaOf(app, { type, version })?.schema;
  if (version !== undefined && schema === undefined) {
    throw new Problem(400, `${type.slice(0, 80)} has no schema of version ${version.slice(0, 80)}`);
  }
  const problems = schema ? problemsOf(schema, draft.data) : [];
  const message = messageOf(draft);
  const event = JSON.parse(String(message.data)) as Record<string, unknown>;
  const running = readRunning(service)?.running;
  const takers = takersOf(app, draft.topic, message.attributes ?? {}).filter(
    (name) => running === undefined || Object.hasOwn(running, name),
  );
  const answer = { problems, takers, event };
  if (draft.dryRun || (problems.length > 0 && !draft.isWrong)) return answer;
  const publisher = openPublisher(service, project, signal);
  try {
    const [messageId = ''] = await publisher.publish(draft.topic, [message]);
    return { ...answer, messageId };
  } finally {
    publisher.close();
  }
}

function messageOf(draft: EventDraft): OutgoingMessage {
  const id = randomUUID();
  const { type, version, source, subject, data, correlationId = id, orderingKey } = draft;
  return structuredMessage(
    {
      ...{ id, source, type, subject },
      time: new Date().toISOString(),
      dataschema: version === undefined ? undefined : `/schemas/${type}/${version}.json`,
      correlationid: correlationId,
    },
    data === undefined ? undefined : JSON.stringify(data),
    orderingKey,
  );
}

/** Throws a Problem that names the field. */
function readDraft(body: Record<string, unknown>): EventDraft {
  const { dryRun, isWrong = false } = body;
  if (typeof dryRun !== 'boolean') throw new Problem(400, 'dryRun must be true or false');
  if (typeof isWrong !== 'boolean') throw new Problem(400, 'isWrong must be true or false');
  const optional = (field: string): string | undefined => {
    const value = body[field];
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string' || value.length > MOST_CHARACTERS || /\p{Cc}/u.test(value)) {
      const rule = `text of at most ${MOST_CHARACTERS} characters without control characters`;
      throw new Problem(400, `${field} must be ${rule}, got ${found(value)}`);
    }
    return value;
  };
  const given = (field: string): string => {
    const value = optional(field);
    if (value === undefined) throw new Problem(400, `${field} must be given`);
    return value;
  };
  const [version, subject] = [optional('version'), optional('subject')];
  const [correlationId, orderingKey] = [optional('correlationId'), optional('orderingKey')];
  return {
    ...{ topic: given('topic'), type: given('type'), source: given('source'), data: body['data'] },
    ...(version !== undefined && { version }),
    ...(subject !== undefined && { subject }),
    ...(correlationId !== undefined && { correlationId }),
    ...(orderingKey !== undefined && { orderingKey }),
    ...{ dryRun, isWrong },
  };
}

const found = (value: unknown): string =>
  typeof value === 'string' ? `${value.length} characters` : `a ${typeof value}`;
