import { chosen, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

/** One service account per function, and one that builds them. No default account is used. */
export const accounts: Part = {
  title: 'service accounts',
  changes: ['accounts'],
  async plan(context) {
    const there = new Set((await context.cloud.accounts()).map(({ email }) => email));
    const wanted = [
      ...chosen(context).map(({ name }) => [name, `runs ${name}, and calls it from its trigger`] as const),
      ['build', 'builds the functions'] as const,
    ];
    return wanted
      .filter(([name]) => !there.has(context.names.account(name)))
      .map(([name, why]): Step => {
        const id = context.names.accountId(name);
        return {
          verb: 'create',
          what: `service account ${id}`,
          why,
          command: [
            ...['iam', 'service-accounts', 'create', id, inProject(context)],
            `--display-name=${context.names.place.prefix}: ${why}`,
          ],
        };
      });
  },
};
