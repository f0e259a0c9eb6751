import type { Context } from '../context.ts';
import { keyRoles } from '../encryption.ts';
import { images } from '../parts/images.ts';
import { introduce } from '../parts/roles.ts';
import { create, forwarding } from '../parts/subscriptions.ts';
import type { WantedSubscription } from '../parts/wanted-subscriptions.ts';
import { agentRoles } from '../roles.ts';
import { type Step, shown, shownFiles } from '../step.ts';
import { type Body, fingerprint } from './expressions.ts';
import { labelOf } from './names.ts';
import type { Resource } from './resource.ts';

/**
 * Runs gcloud for what the provider cannot set. Its name changes with the command, so that a changed one runs; it has
 * no attributes, so that it can be imported if the command has nothing to change.
 */
function command(name: string, steps: readonly Step[], more: Body): Resource {
  const lines = steps.flatMap(({ command: one }) => [...shownFiles(one), `again ${shown(one)}`]);
  const text = [...HEAD, ...lines].join('\n');
  return {
    type: 'terraform_data',
    name: `${name}_${fingerprint(text)}`,
    body: {
      ...more,
      provisioner: [{ 'local-exec': { command: text, interpreter: ['bash', '-c'] } }],
    },
  };
}

/** New resources are not known everywhere at once. */
const HEAD = [
  'set -euo pipefail',
  'export CLOUDSDK_CORE_DISABLE_PROMPTS=1',
  'FILES=$(mktemp -d)',
  `trap 'rm -r "$FILES"' EXIT`,
  'again() { for pause in 5 10 20 40 60 60 60; do "$@" && return; sleep "$pause"; done; "$@"; }',
];

/** Google's accounts, by the name that members of roles have: Google makes each on first use. */
export function agents(context: Context, depends_on: string[]): ReadonlyMap<string, Resource> {
  return new Map(
    [...agentRoles(context).filter(({ on }) => on.kind === 'project'), ...keyRoles(context)].map((one) => {
      const [step] = introduce(one, context);
      if (step === undefined) throw new Error(`no command makes ${one.member}`);
      return [one.member, command(labelOf(one.member), [step], { depends_on })];
    }),
  );
}

/** Dead-letter policy and retention of the subscriptions that Eventarc makes for functions and triggers. */
export async function eventarcSettings(
  all: readonly WantedSubscription[],
  context: Context,
): Promise<Resource[]> {
  const grants = await forwarding.plan(context);
  return all
    .filter(({ name }) => name === undefined)
    .map((wanted) => {
      const granting = grants.filter((step) => step.command.some((arg) => isAbout(arg, wanted)));
      const [maker = ''] = /google_(?:eventarc_trigger|cloudfunctions2_function)\.\w+/.exec(wanted.ask) ?? [];
      return command(
        `subscription_of_${maker.replace(/^.*\./, '')}`,
        [create(wanted, context), ...granting],
        // any deployment of a function may make its subscription anew
        { depends_on: [maker, 'terraform_data.roles'], lifecycle: { replace_triggered_by: [maker] } },
      );
    });
}

const isAbout = (arg: Step['command'][number], { ask }: WantedSubscription): boolean =>
  typeof arg !== 'string' && 'shell' in arg && arg.shell === ask;

/** The clean-up policy of the repository that Google makes with the first build, which other deployments share. */
export async function cleanUp(context: Context, depends_on: string[]): Promise<Resource[]> {
  const steps = await images.plan(context);
  return steps.map((step) => command('images', [step], { depends_on }));
}
