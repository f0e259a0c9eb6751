import { shortName } from '../cloud-types.ts';
import type { Context } from '../context.ts';
import { encryptedWith } from '../encryption.ts';
import { expression } from './expressions.ts';
import { after, type Resource } from './resource.ts';

/** Repository of the functions' images, if the deployment has a key of its own. */
export const IMAGES = { type: 'google_artifact_registry_repository', name: 'images' } as const;

export function repositories(context: Pick<Context, 'names' | 'options'>): Resource[] {
  const { kmsKey, repository } = encryptedWith(context) ?? {};
  if (kmsKey === undefined || repository === undefined) return [];
  return [
    after({
      ...IMAGES,
      body: {
        repository_id: shortName(repository),
        location: expression('var.region'),
        format: 'DOCKER',
        kms_key_name: kmsKey,
      },
    }),
  ];
}
