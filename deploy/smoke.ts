import type { Say } from './apply.ts';
import type { Gcloud } from './gcloud.ts';
import type { Names } from './names.ts';
export async function smoke(_: {
  gcloud: Gcloud;
  names: Names;
  env: NodeJS.ProcessEnv;
  say: Say;
}): Promise<void> {}
