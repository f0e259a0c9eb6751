import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiAnswer,
  type Endpoint,
  eventually,
  type GoogleError,
  plainPubsub,
  type Received,
  startEndpoint,
} from '../helpers/pubsub.ts';
import { deliveryScenarios } from './pubsub-delivery.ts';
import { messageScenarios } from './pubsub-messages.ts';
import { resourceScenarios } from './pubsub-resources.ts';

/** Known deviations of a backend from Pub/Sub: test name → why. Such a test must fail. */
export type Deviations = Readonly<Record<string, string>>;

export interface PubsubBackend {
  url: string;
  project: string;
}

/** Tools for the contract's scenarios; names are always fresh. */
export interface Scenarios {
  test(name: string, run: () => Promise<void>): void;
  backend(): PubsubBackend;
  api: ReturnType<typeof plainPubsub>;
  fresh(what: string): string;
  newTopic(): Promise<string>;
  newSubscription(topic: string, settings?: Record<string, unknown>): Promise<string>;
  publishAnswer(topic: string, body: unknown): Promise<ApiAnswer>;
  /** Pulls until a message arrives. */
  next(subscription: string): Promise<Received[]>;
  /** An HTTP endpoint for pushes, closed at the end. */
  endpoint: typeof startEndpoint;
  expectError(answer: ApiAnswer, code: number, status: string): void;
}

/** Every promise of the API that our functions and tools rely on, tested on one backend. */
export function pubsubContract(
  label: string,
  open: () => Promise<PubsubBackend>,
  deviations: Deviations = {},
): void {
  describe(`Pub/Sub: ${label}`, { timeout: 90_000 }, () => {
    let opened: PubsubBackend;
    const endpoints: Endpoint[] = [];
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => Promise.all(endpoints.map((one) => one.close())));

    const api = plainPubsub(
      () => opened.url,
      () => opened.project,
    );
    const fresh = (what: string): string => `${what}-${randomUUID()}`;
    const scenarios: Scenarios = {
      api,
      fresh,
      backend: () => opened,
      /** A deviation is expected to fail, so that one that is fixed shows up. */
      test(name, run) {
        const reason = deviations[name];
        if (reason === undefined) it(name, run);
        else it.fails(`${name} (known deviation: ${reason})`, run);
      },
      async newTopic() {
        const topic = fresh('topic');
        await api.createTopic(topic);
        return topic;
      },
      async newSubscription(topic, settings = {}) {
        const name = fresh('sub');
        await api.createSubscription(name, topic, settings);
        return name;
      },
      publishAnswer: (topic, body) => api.call('POST', `${api.topicName(topic)}:publish`, body),
      next: (subscription) => eventually(() => api.pull(subscription)),
      async endpoint(...args) {
        const started = await startEndpoint(...args);
        endpoints.push(started);
        return started;
      },
      expectError({ status: http, body }, code, status) {
        const error = body['error'] as GoogleError | undefined;
        expect({ http, code: error?.code, status: error?.status }).toEqual({ http: code, code, status });
        expect(error?.message).not.toBe('');
      },
    };
    resourceScenarios(scenarios);
    messageScenarios(scenarios);
    deliveryScenarios(scenarios);
  });
}
