import type { Call } from './answer.ts';
import type { Broker } from './broker.ts';
import { parseDuration } from './duration.ts';
import { invalid } from './errors.ts';
import { type Fields, readFields } from './fields.ts';
import { readMessages } from './message.ts';
import { pageOf } from './paging.ts';
import type { TopicRecord } from './records.ts';
import { checkMask, readUpdate } from './update-mask.ts';

const TOPIC: Fields = {
  name: 'string',
  labels: 'map',
  messageRetentionDuration: 'duration',
  messageStoragePolicy: { allowedPersistenceRegions: 'strings', enforceInTransit: 'bool' },
  kmsKeyName: 'unimplemented',
  schemaSettings: 'unimplemented',
  ingestionDataSourceSettings: 'unimplemented',
  messageTransforms: 'unimplemented',
  tags: 'unimplemented',
  satisfiesPzs: 'output',
  state: 'output',
};
const UPDATABLE = ['labels', 'messageRetentionDuration', 'messageStoragePolicy'];

type Handler = (broker: Broker, name: string, call: Call) => Promise<Record<string, unknown>>;

export const createTopic: Handler = async (broker, name, call) =>
  broker.createTopic(topicRecord(name, readFields(await call.body(), TOPIC)));

export const getTopic: Handler = async (broker, name) => broker.topic(name);

export const updateTopic: Handler = async (broker, name, call) => {
  const { sent, mask } = await readUpdate(call, 'topic', TOPIC);
  checkMask(mask, UPDATABLE, TOPIC);
  const merged: Record<string, unknown> = { ...broker.topic(name) };
  for (const field of mask) merged[field] = sent[field];
  const record = topicRecord(name, merged);
  broker.state.commit({ topic: record });
  return record;
};

export const deleteTopic: Handler = async (broker, name) => {
  broker.topic(name);
  broker.state.commit({ deletedTopic: name });
  return {};
};

export const listTopics: Handler = async (broker, project, call) => {
  const inProject = [...broker.state.topics.values()].filter(({ name }) =>
    name.startsWith(`projects/${project}/`),
  );
  const { items, ...rest } = pageOf(inProject, ({ name }) => name, call.query);
  return { ...(items.length > 0 && { topics: items }), ...rest };
};

export const listTopicSubscriptions: Handler = async (broker, name, call) => {
  broker.topic(name);
  const names = broker.state.subscriptionsOf(name).map(({ record }) => record.name);
  const { items, ...rest } = pageOf(names, (one) => one, call.query);
  return { ...(items.length > 0 && { subscriptions: items }), ...rest };
};

export const publish: Handler = async (broker, name, call) => {
  const messages = readMessages(await call.body());
  return { messageIds: broker.publish(name, messages) };
};

/** Stored and shown, but without effect: only subscriptions retain messages. */
function topicRecord(name: string, sent: Record<string, unknown>): TopicRecord {
  const duration = sent['messageRetentionDuration'];
  if (duration !== undefined) {
    const minutes = parseDuration(String(duration))! / 60_000;
    if (minutes < 10 || minutes > 31 * 24 * 60) {
      throw invalid(
        `Invalid message_retention_duration given: ${duration} (must be between 10 minutes and 31 days).`,
        'message_retention_duration',
      );
    }
  }
  return { ...sent, name };
}
