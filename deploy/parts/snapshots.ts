import { type Context, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';
import { wantedSubscriptions } from './wanted-subscriptions.ts';

/** Names of the existing snapshots. Each has the name of the subscription that it will be restored into. */
export async function keptBacklogs({ cloud }: Pick<Context, 'cloud'>): Promise<ReadonlySet<string>> {
  return new Set((await cloud.snapshots()).map(({ snapshotId }) => snapshotId));
}

/**
 * Creates a snapshot: the messages that a subscription has not acknowledged, and all that are published later. Seeking
 * another subscription of the topic to it copies that state (https://cloud.google.com/pubsub/docs/replay-overview).
 * Replaces a snapshot left by an interrupted run.
 * @param to the subscription to restore it into
 */
export async function keepBacklog(from: string, to: string, context: Context): Promise<Step[]> {
  const step: Step = {
    verb: 'create',
    what: `snapshot ${to}`,
    why: `keeps the messages waiting in ${from}`,
    command: ['pubsub', 'snapshots', 'create', to, `--subscription=${from}`, inProject(context)],
  };
  return (await keptBacklogs(context)).has(to) ? [dropSnapshot(to, context), step] : [step];
}

/** Safe to repeat: messages acknowledged since are delivered again, and effects happen once. */
export function restoreBacklog(name: string, context: Context): Step {
  return {
    verb: 'update',
    what: `subscription ${name}`,
    why: 'restores the messages kept in the snapshot',
    command: ['pubsub', 'subscriptions', 'seek', name, `--snapshot=${name}`, inProject(context)],
  };
}

/** Deleted last: a seek may take a minute to take effect everywhere. */
export const snapshots: Part = {
  title: 'snapshots that are no longer needed',
  changes: ['snapshots'],
  async plan(context) {
    const kept = await keptBacklogs(context);
    const wanted = await wantedSubscriptions(context);
    // this run creates the snapshot of a subscription that takes over from another
    return wanted.flatMap(({ name = '', takesOverFrom }) =>
      kept.has(name) || takesOverFrom !== undefined ? [dropSnapshot(name, context)] : [],
    );
  },
};

export function dropSnapshot(name: string, context: Context): Step {
  return {
    verb: 'delete',
    what: `snapshot ${name}`,
    why: '',
    command: ['pubsub', 'snapshots', 'delete', name, inProject(context)],
  };
}
