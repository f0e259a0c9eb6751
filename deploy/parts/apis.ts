import { KINDS } from '../cloud.ts';
import { inProject, type Part } from '../context.ts';
import { neededApis } from '../encryption.ts';

export const apis: Part = {
  title: 'services',
  changes: KINDS,
  async plan(context) {
    const enabled = await context.cloud.services();
    const wanted = neededApis(context);
    const missing = Object.keys(wanted).filter((name) => !enabled.has(`${name}.googleapis.com`));
    if (missing.length === 0) return [];
    return [
      {
        verb: 'enable',
        what: missing.join(', '),
        why: missing.map((name) => `${name}: ${wanted[name]}`).join('; '),
        command: [
          'services',
          'enable',
          ...missing.map((name) => `${name}.googleapis.com`),
          inProject(context),
        ],
      },
    ];
  },
};
