import { shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part, replayable } from '../context.ts';
import type { Step } from '../step.ts';

/**
 * Topics have no schema: Pub/Sub supports Avro and Protocol Buffers, ours are JSON Schemas, and the events topic takes
 * events from any producer. ingestEvent validates them.
 */
export const topics: Part = {
  title: 'topics',
  async plan(context) {
    const there = new Set((await context.cloud.topics()).map(({ name }) => shortName(name)));
    return wantedTopics(context)
      .filter(([name]) => !there.has(name))
      .map(([name, why]): Step => {
        const command = ['pubsub', 'topics', 'create', name, inProject(context)];
        return { verb: 'create', what: `topic ${name}`, why, command };
      });
  },
};

export function wantedTopics(
  context: Pick<Context, 'app' | 'names' | 'options'>,
): [name: string, why: string][] {
  const { app, names } = context;
  return [
    ...Object.entries(app.topics).map(([key, { doc }]): [string, string] => [names.topic(key), doc]),
    ...replayable(context).map(({ name }): [string, string] => [
      names.replay(name),
      `replays dead letters to ${name} only`,
    ]),
  ];
}
