import { shortName } from '../cloud-types.ts';
import { inProject, type Part } from '../context.ts';
import { encryptedWith } from '../encryption.ts';

/** Cloud Functions makes it with the first build of a region, and keeps every image that was ever built. */
const REPOSITORY = 'gcf-artifacts';

/** Keeps enough images to go back; Google deletes nothing that it does not name. */
const POLICY = [
  { name: 'keep-newest', action: { type: 'Keep' }, mostRecentVersions: { keepCount: 5 } },
  { name: 'delete-old', action: { type: 'Delete' }, condition: { olderThan: '30d' } },
];

export const images: Part = {
  title: "the functions' images",
  changes: ['repositories'],
  async plan(context) {
    const { cloud, names } = context;
    const path = encryptedWith(context)?.repository;
    const repository = path === undefined ? REPOSITORY : shortName(path);
    const found = (await cloud.repositories()).find(({ name }) => shortName(name) === repository);
    // somebody's own policy stays
    if (Object.keys(found?.cleanupPolicies ?? {}).length > 0) return [];
    const isDeployed = (await cloud.functions()).length > 0;
    if (found === undefined && isDeployed) return [];
    return [
      {
        verb: 'update',
        what: `repository ${repository}`,
        why: 'keeps the 5 newest images of each function, and others for 30 days; it would keep all of them forever',
        command: [
          ...['artifacts', 'repositories', 'set-cleanup-policies', repository, inProject(context)],
          `--location=${names.place.region}`,
          { flag: '--policy', content: JSON.stringify(POLICY) },
          '--no-dry-run',
        ],
      },
    ];
  },
};
