import type { Gcloud } from './gcloud.ts';
import { oneLine } from './mends.ts';
import { type Step, shown, shownFiles } from './step.ts';

export type Say = (line: string) => void;

/** Steps of one lane in turn, lanes beside each other; stops at the first failure. */
export async function applySteps(steps: readonly Step[], gcloud: Gcloud, say: Say): Promise<void> {
  const lanes = new Map<string, Step[]>();
  for (const [index, step] of steps.entries()) {
    const lane = step.lane ?? `${index}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), step]);
  }
  let failed: unknown;
  const runLane = async (lane: Step[]): Promise<void> => {
    for (const step of lane) {
      if (failed !== undefined) return;
      try {
        await gcloud.change(step.command, step.retryOn);
        say(describe(step));
      } catch (error) {
        failed ??= error;
      }
    }
  };
  await Promise.all([...lanes.values()].map(runLane));
  if (failed !== undefined) throw failed;
}

export const describe = ({ verb, what, why }: Step): string =>
  `${verb} ${what}${why === '' ? '' : `: ${oneLine(why, 500)}`}`;

/** The plan as a script: comments say what and why. */
export function asScript(steps: readonly Step[], title: string): string {
  const lines = steps.flatMap((step) => [
    `# ${describe(step)}`,
    ...shownFiles(step.command),
    shown(step.command),
  ]);
  return [`\n# -- ${title}`, ...lines].join('\n');
}
