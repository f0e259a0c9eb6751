import { shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part, replayable } from '../context.ts';
import type { Step } from '../step.ts';

/**
 * Topics have no schema: Pub/Sub supports Avro and Protocol Buffers, ours are JSON Schemas, and the events topic takes
 * events from any producer. ingestEvent validates them.
 */
export const topics: Part = {
  title: 'topics',
  changes: ['topics'],
  async plan(context) {
    const there = new Map((await context.cloud.topics()).map((one) => [shortName(one.name), one]));
    const { storageRegions, kmsKey } = context.options;
    const flag = `--message-storage-policy-allowed-regions=${storageRegions.join(',')}`;
    const limits = [
      ...(storageRegions.length > 0 ? [flag] : []),
      ...(kmsKey === undefined ? [] : [`--topic-encryption-key=${kmsKey}`]),
    ];
    return wantedTopics(context).flatMap(([name, why]): Step[] => {
      const found = there.get(name);
      const step = (verb: 'create' | 'update', because: string): Step => ({
        verb,
        what: `topic ${name}`,
        why: because,
        command: ['pubsub', 'topics', verb, name, inProject(context), ...limits],
      });
      if (found === undefined) return [step('create', why)];
      const regions = [...(found.messageStoragePolicy?.allowedPersistenceRegions ?? [])].sort();
      // without the options, a policy of the organization or a key of somebody else stays
      const differs: string[] = [];
      if (storageRegions.length > 0 && regions.join() !== storageRegions.join()) {
        differs.push(
          `its messages may be stored in ${regions.join(', ') || 'any region'}, not only in ${storageRegions.join(', ')}`,
        );
      }
      if (kmsKey !== undefined && found.kmsKeyName !== kmsKey) {
        differs.push(`its messages are encrypted with ${found.kmsKeyName ?? "Google's key"}, not ${kmsKey}`);
      }
      return differs.length === 0 ? [] : [step('update', differs.join('; '))];
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
