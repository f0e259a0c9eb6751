import { shortName } from '../cloud-types.ts';
import type { Part } from '../context.ts';
import type { Step } from '../step.ts';
import { keepBacklog, restoreBacklog } from './snapshots.ts';
import { create, inLane } from './subscriptions.ts';
import { wantedSubscriptions } from './wanted-subscriptions.ts';

/**
 * A topic function that an earlier version deployed has Eventarc's subscription, which goes with its trigger. Its
 * own comes before that, takes what is published from then on, and is given what the other has not settled. It
 * pushes nowhere until the function is made again, and keeps messages longer than any deployment takes: nothing is
 * lost. What Eventarc's subscription delivers in the meantime comes again from ours, and effects happen once.
 */
export const handover: Part = {
  title: "what waits in Eventarc's subscriptions",
  async plan(context) {
    const there = new Set((await context.cloud.subscriptions()).map(({ name }) => shortName(name)));
    const steps = (await wantedSubscriptions(context)).map(async (wanted): Promise<Step[]> => {
      const { name, heirTo } = wanted;
      if (name === undefined || heirTo === undefined) return [];
      return inLane([
        ...(there.has(name) ? [] : [create({ ...wanted, push: undefined }, context)]),
        ...(await keepBacklog(heirTo, name, context)),
        restoreBacklog(name, context),
      ]);
    });
    return (await Promise.all(steps)).flat();
  },
};
