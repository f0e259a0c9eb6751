import type { Changed, Gcloud } from './gcloud.ts';
import { oneLine } from './remediations.ts';
import { type Step, shown, shownFiles } from './step.ts';

export type Say = (line: string) => void;

/** Runs lanes in parallel and the steps of a lane in order; stops at the first failure. */
export async function applySteps(steps: readonly Step[], gcloud: Gcloud, say: Say): Promise<Changed> {
  const alone = steps.filter(({ isAlone }) => isAlone);
  const rest = steps.filter(({ isAlone }) => !isAlone);
  const lanes = new Map<string, Step[]>();
  for (const [index, step] of rest.entries()) {
    const lane = step.lane ?? `${index}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), step]);
  }
  let failed: unknown;
  let changed: Changed = 'made';
  const runLane = async (lane: readonly Step[]): Promise<void> => {
    for (const step of lane) {
      if (failed !== undefined) return;
      try {
        const done = await gcloud.change(step.command, step.verb);
        if (done !== 'made') changed = 'uncertain';
        // the steps after it are about what it would have made
        if (done === 'stale') return;
        say(describe(step));
      } catch (error) {
        failed ??= error;
      }
    }
  };
  await runLane(alone);
  await Promise.all([...lanes.values()].map(runLane));
  if (failed !== undefined) throw failed;
  return changed;
}

export const describe = ({ verb, what, why }: Step): string =>
  `${verb} ${what}${why === '' ? '' : `: ${oneLine(why, 500)}`}`;

/** Formats the plan as a script, with what and why as comments. */
export function asScript(steps: readonly Step[], title: string): string {
  const lines = steps.flatMap((step) => [
    `# ${describe(step)}`,
    ...shownFiles(step.command),
    shown(step.command),
  ]);
  return [`\n# -- ${title}`, ...lines].join('\n');
}
