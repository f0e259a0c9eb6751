import type { PreparedEvent } from '../../../shared/events/publish.ts';
import type { Publisher } from '../../../shared/gcp/pubsub.ts';
import { writeRecord } from '../../../shared/records/record.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { type Intent, intentName, type User, userName } from './user.ts';

export interface Tools {
  /** The bucket `users`. */
  store: ObjectStore;
  publisher(): Promise<Publisher>;
  topicNamed(key: string): string;
  signal: AbortSignal;
}

/** The user that has the address of the intent: its own, unless another one was faster. */
export async function claimAddress({ user }: Intent, { store, signal }: Tools): Promise<User> {
  return (await writeRecord<User>(store, userName(user.email), user, { signal })).value;
}

/** Publishes the event of an intent, whose user is recorded, and forgets the intent. */
export async function publishIntent({ user, event }: Intent, tools: Tools): Promise<void> {
  const publisher = await tools.publisher();
  await publisher.publish(tools.topicNamed(event.topic), [messageOf(event)], { signal: tools.signal });
  await forget(user.userId, tools);
}

export async function forget(userId: string, { store, signal }: Tools): Promise<void> {
  await store.delete(intentName(userId), { signal });
}

/**
 * Does what is left of an intent whose request died: at any point, and beside the request if it is still alive. Every
 * step is one that can be repeated, and the event has one id however often it is published.
 */
export async function complete(intent: Intent, tools: Tools): Promise<'published' | 'dropped'> {
  const { userId } = await claimAddress(intent, tools);
  if (userId === intent.user.userId) {
    await publishIntent(intent, tools);
    return 'published';
  }
  await forget(intent.user.userId, tools);
  return 'dropped';
}

function messageOf({ data, attributes, orderingKey }: PreparedEvent) {
  return { data, attributes, ...(orderingKey !== undefined && { orderingKey }) };
}
