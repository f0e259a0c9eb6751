import { shortName } from '../cloud-types.ts';
import type { Part } from '../context.ts';
import type { Step } from '../step.ts';
import { keepBacklog, restoreBacklog } from './snapshots.ts';
import { create, inLane } from './subscriptions.ts';
import { wantedSubscriptions } from './wanted-subscriptions.ts';

/**
 * Moves a topic function that an earlier version deployed from Eventarc's subscription, which is deleted with its
 * trigger, to one of our own. Ours is created first, receives what is published from then on, and takes over what the
 * other has not acknowledged, by a snapshot. It pushes nowhere until the function is created again, and retains
 * messages longer than any deployment takes, so nothing is lost. Messages that Eventarc's subscription delivers
 * meanwhile are delivered again by ours; effects happen once.
 */
export const handover: Part = {
  title: "messages waiting in Eventarc's subscriptions",
  changes: ['subscriptions', 'snapshots', 'policies'],
  async plan(context) {
    const there = new Set((await context.cloud.subscriptions()).map(({ name }) => shortName(name)));
    const steps = (await wantedSubscriptions(context)).map(async (wanted): Promise<Step[]> => {
      const { name, takesOverFrom } = wanted;
      if (name === undefined || takesOverFrom === undefined) return [];
      return inLane([
        ...(there.has(name) ? [] : [create({ ...wanted, push: undefined }, context)]),
        ...(await keepBacklog(takesOverFrom, name, context)),
        restoreBacklog(name, context),
      ]);
    });
    return (await Promise.all(steps)).flat();
  },
};
