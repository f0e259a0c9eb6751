import { type Context, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';
import { wantedSubscriptions } from './wanted-subscriptions.ts';

/** Names of the snapshots that there are. Each has the name of the subscription that it is for. */
export async function keptBacklogs({ cloud }: Pick<Context, 'cloud'>): Promise<ReadonlySet<string>> {
  return new Set((await cloud.snapshots()).map(({ snapshotId }) => snapshotId));
}

/**
 * A snapshot has what a subscription has not acknowledged, and all that is published after it; to seek another
 * subscription of the topic to it copies that state (https://cloud.google.com/pubsub/docs/replay-overview). One of
 * an interrupted run is replaced. `to`: the subscription that it is for.
 */
export async function keepBacklog(from: string, to: string, context: Context): Promise<Step[]> {
  const step: Step = {
    verb: 'create',
    what: `snapshot ${to}`,
    why: `keeps what waits in ${from}`,
    command: ['pubsub', 'snapshots', 'create', to, `--subscription=${from}`, inProject(context)],
  };
  return (await keptBacklogs(context)).has(to) ? [dropSnapshot(to, context), step] : [step];
}

/** To do it again does no harm: what was settled since comes once more. */
export function restoreBacklog(name: string, context: Context): Step {
  return {
    verb: 'update',
    what: `subscription ${name}`,
    why: 'takes over what was kept in the snapshot',
    command: ['pubsub', 'subscriptions', 'seek', name, `--snapshot=${name}`, inProject(context)],
  };
}

/** Last of all: a seek may take a minute to be in effect everywhere. */
export const snapshots: Part = {
  title: 'snapshots that are needed no more',
  async plan(context) {
    const kept = await keptBacklogs(context);
    const wanted = await wantedSubscriptions(context);
    // an heir's is made by this run
    return wanted.flatMap(({ name = '', heirTo }) =>
      kept.has(name) || heirTo !== undefined ? [dropSnapshot(name, context)] : [],
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
