import { shortName } from '../cloud-types.ts';
import { inProject, type Part } from '../context.ts';
import { encryptedWith, keyRoles } from '../encryption.ts';
import { roleSteps } from './roles.ts';

/** Planned before what the key encrypts. Roles of others on it stay: it may encrypt more than this deployment. */
export const keyUse: Part = {
  title: 'who may use the key',
  changes: ['policies'],
  async plan(context) {
    const wanted = keyRoles(context);
    const canAsk = (await context.cloud.services()).has('cloudkms.googleapis.com');
    const looked = canAsk ? wanted.slice(0, 1).map(({ on }) => on) : [];
    return (await roleSteps(wanted, looked, context)).filter(({ verb }) => verb !== 'revoke');
  },
};

/** A function with a key of one's own needs a repository with the same key; Google's own one has none. */
export const repository: Part = {
  title: 'repository of images',
  changes: ['repositories'],
  async plan(context) {
    const { kmsKey, repository: path } = encryptedWith(context) ?? {};
    if (kmsKey === undefined || path === undefined) return [];
    const name = shortName(path);
    if ((await context.cloud.repositories()).some((one) => shortName(one.name) === name)) return [];
    return [
      {
        verb: 'create',
        what: `repository ${name}`,
        why: "stores the functions' images, encrypted with the key",
        command: [
          ...['artifacts', 'repositories', 'create', name, inProject(context), '--repository-format=docker'],
          ...[`--location=${context.names.place.region}`, `--kms-key=${kmsKey}`],
        ],
      },
    ];
  },
};
