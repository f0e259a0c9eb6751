import type { PublishTools } from '../../shared/events/publish.ts';
import type { OutgoingMessage, Publisher } from '../../shared/gcp/pubsub.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Everything given to a publisher, one entry per request. */
export interface Requests {
  topic: string;
  messages: readonly OutgoingMessage[];
}

/** Tools whose publisher records its requests. `answer` may throw to fail one. */
export function publishTools(
  changes: Partial<PublishTools> & { answer?: (request: Requests) => void } = {},
): { tools: PublishTools; requests: Requests[]; state: ObjectStore } {
  const requests: Requests[] = [];
  const state = createMemoryStorage().bucket('state');
  const publisher: Publisher = {
    async publish(topic, messages) {
      requests.push({ topic, messages });
      changes.answer?.({ topic, messages });
      return messages.map((_, index) => `${requests.length}-${index}`);
    },
    close() {},
  };
  const tools: PublishTools = {
    topics: { events: 'the-events', others: 'projects/p/topics/others' },
    publisher: async () => publisher,
    state: async () => state,
    breakerOf: () => ({ run: (work) => work() }),
    clock: { now: () => Date.parse('2026-11-21T10:00:00Z') },
    signal: new AbortController().signal,
    ...changes,
  };
  return { tools, requests, state };
}

/** The CloudEvent in a message. */
export function eventIn({ data }: OutgoingMessage): Record<string, unknown> {
  return JSON.parse(Buffer.from(data as Uint8Array).toString()) as Record<string, unknown>;
}

/** All events published, in the order of their requests. */
export const eventsIn = (requests: readonly Requests[]): Record<string, unknown>[] =>
  requests.flatMap(({ messages }) => messages.map(eventIn));
