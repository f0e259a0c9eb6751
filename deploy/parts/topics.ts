import { shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part, replayable } from '../context.ts';
import type { Step } from '../step.ts';

/**
 * Topics have no schema: Pub/Sub holds Avro and Protocol Buffers, ours are JSON Schemas, and the events topic
 * takes any producer's events. ingestEvent checks them.
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

export function wantedTopics(context: Pick<Context, 'names' | 'options'>): [name: string, why: string][] {
  const { names } = context;
  return [
    [names.topic('events'), 'any producer publishes events here'],
    [names.topic('maintenance'), 'the scheduler says here that it is time'],
    [names.topic('dead-letters'), 'what was given up or refused'],
    [names.topic('dead-letters-unread'), 'dead letters that their inspector gave up'],
    ...replayable(context).map(([name]): [string, string] => [
      names.replay(name),
      `a dead letter goes back to ${name} alone`,
    ]),
  ];
}
