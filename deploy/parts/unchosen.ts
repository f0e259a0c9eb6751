import { unchosen } from '../../shared/app/optional.ts';
import { shortName } from '../cloud-types.ts';
import { inProject, inRegion, type Part } from '../context.ts';
import type { Step } from '../step.ts';
import { remove } from './event-triggers.ts';

/**
 * Stops functions whose option is no longer given: what fires them is deleted, and the function. `--destroy` deletes
 * the rest of them.
 */
export const unwanted: Part = {
  title: 'functions that no option asks for',
  async plan(context) {
    const { cloud, names, app, options } = context;
    if (options.only !== undefined) return [];
    const found = async (list: Promise<{ name: string }[]>): Promise<string[]> =>
      (await list).map(({ name }) => shortName(name));
    const [functions, triggers, jobs] = await Promise.all(
      [cloud.functions(), cloud.triggers(), cloud.jobs()].map(found),
    );
    const location = `--location=${names.place.region}`;
    return unchosen(app).flatMap(({ name, trigger }): Step[] => {
      const id = names.function(name);
      const job = trigger.kind === 'schedule' ? names.schedule(name, trigger) : undefined;
      const why = `no option asks for ${name}`;
      const ours = triggers!.filter((one) => one.startsWith(names.triggerPrefix(name)));
      return [
        ...ours.map((one) => remove(one, why, context)),
        ...jobs!
          .filter((one) => one === job)
          .map((one): Step => {
            const command = ['scheduler', 'jobs', 'delete', one, inProject(context), location];
            return { verb: 'delete', what: `scheduler job ${one}`, why, command };
          }),
        ...functions!
          .filter((one) => one === id)
          .map((one): Step => {
            const command = ['functions', 'delete', one, '--gen2', inProject(context), inRegion(context)];
            return { verb: 'delete', what: `function ${one}`, why, command };
          }),
      ];
    });
  },
};
