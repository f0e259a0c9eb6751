import type { Gcloud } from './gcloud.ts';
import type { Passing } from './passing.ts';
import { deniedIn, heldPermissions } from './permissions.ts';
import { PERMISSIONS } from './preflight.ts';
import { isAboutPermission } from './remediations.ts';

interface Where {
  /** Returns gcloud itself, which asks this back. */
  gcloud: () => Pick<Gcloud, 'text'>;
  project: string;
  env: NodeJS.ProcessEnv;
}

/**
 * Returns a judge of denied changes: an answer passes with time if the caller holds the permission that it names on
 * the project, or, if it names none, all that a deployment needs. Services learn of new permissions late.
 */
export function heldYet({ gcloud, project, env }: Where): (text: string) => Promise<Passing | undefined> {
  return async (text) => {
    if (!isAboutPermission(text)) return undefined;
    const permission = deniedIn(text);
    const asked = permission === undefined ? PERMISSIONS : [permission];
    const held = await heldPermissions(asked, { gcloud: gcloud(), project, env });
    if (held === undefined || !asked.every((one) => held.has(one))) return undefined;
    const what = permission === undefined ? 'a permission of yours' : `your permission ${permission}`;
    return { kind: 'unknown', what };
  };
}
