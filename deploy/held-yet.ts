import type { Gcloud } from './gcloud.ts';
import { disabledIn, isDisabled, NEW_SERVICE, type Passing } from './passing.ts';
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
 * Returns a judge of refusals by what Google itself says elsewhere:
 * - a service that is not enabled passes with time if it is listed as enabled, by an earlier run that was killed;
 * - a denied change does if the caller holds the permission that it names on the project, or, if it names none, all
 *   that a deployment needs. Services learn of new permissions late.
 */
export function heldYet({
  gcloud,
  project,
  env,
}: Where): (text: string, words: string) => Promise<Passing | undefined> {
  return async (text, words) => {
    if (isDisabled(text)) {
      const api = disabledIn(text);
      // the list itself needs a service, and would be asked about itself
      if (api === undefined || words.startsWith('services')) return undefined;
      const list = ['services', 'list', '--enabled', `--project=${project}`, '--format=json'];
      const enabled = await gcloud().text(...list);
      return [`"${api}"`, `/${api}"`].some((name) => enabled.includes(name)) ? NEW_SERVICE : undefined;
    }
    if (!isAboutPermission(text)) return undefined;
    const permission = deniedIn(text);
    const asked = permission === undefined ? PERMISSIONS : [permission];
    const held = await heldPermissions(asked, { gcloud: gcloud(), project, env });
    if (held === undefined || !asked.every((one) => held.has(one))) return undefined;
    const what = permission === undefined ? 'a permission of yours' : `your permission ${permission}`;
    return { kind: 'unknown', what };
  };
}
