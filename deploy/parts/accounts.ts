import { type Context, chosen, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

/** One service account per function, and one that builds them. No default account is used. */
export const accounts: Part = {
  title: 'service accounts',
  changes: ['accounts'],
  async plan(context) {
    const there = new Set((await context.cloud.accounts()).map(({ email }) => email));
    return wantedAccounts(context)
      .filter(([name]) => !there.has(context.names.account(name)))
      .map(([name, why]): Step => {
        const id = context.names.accountId(name);
        return {
          verb: 'create',
          what: `service account ${id}`,
          why,
          command: [
            ...['iam', 'service-accounts', 'create', id, inProject(context)],
            `--display-name=${displayName(why, context)}`,
          ],
        };
      });
  },
};

/** Names of functions, or `build`, with what their accounts do. */
export const wantedAccounts = (context: Pick<Context, 'app' | 'options'>): [name: string, why: string][] => [
  ...chosen(context).map(({ name }): [string, string] => [
    name,
    `runs ${name}, and calls it from its trigger`,
  ]),
  ['build', 'builds the functions'],
];

export const displayName = (why: string, { names }: Pick<Context, 'names'>): string =>
  `${names.place.prefix}: ${why}`;
