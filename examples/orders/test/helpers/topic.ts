import type { OutgoingMessage, Publisher } from '../../../../shared/gcp/pubsub.ts';

/** A Pub/Sub that keeps what is published, in its order. */
export class Topic implements Publisher {
  readonly messages: OutgoingMessage[] = [];
  /** Called before each request; what it throws is its answer. */
  before: (messages: readonly OutgoingMessage[]) => void | Promise<void> = () => undefined;

  async publish(_topic: string, messages: readonly OutgoingMessage[]): Promise<string[]> {
    await this.before(messages);
    this.messages.push(...messages);
    return messages.map((_, index) => String(this.messages.length - messages.length + index));
  }

  close(): void {}

  /** Ids of the events with this key, as they came, repetitions left out. */
  idsOf(orderingKey: string): string[] {
    const own = this.messages.filter((message) => message.orderingKey === orderingKey);
    return [...new Set(own.map(({ attributes }) => attributes?.['ce-id'] ?? ''))];
  }
}
