import { secretsOf } from '../../shared/app/app-settings.ts';
import { inProject, type Part } from '../context.ts';

export const APIS: Readonly<Record<string, string>> = {
  cloudresourcemanager: 'the project and its roles',
  serviceusage: 'enables the services below',
  cloudbilling: 'checks that the project has a billing account',
  iam: 'service accounts',
  storage: 'buckets',
  pubsub: 'topics and subscriptions',
  eventarc: 'triggers',
  cloudfunctions: 'functions',
  run: 'runs the functions',
  cloudbuild: 'builds functions',
  artifactregistry: 'stores the built images',
  aiplatform: 'Gemini',
  cloudscheduler: 'schedules the maintenance of the tables',
  logging: 'logs and their metrics',
  monitoring: 'dashboard and alerts',
};

/** Enabled only if a function needs secrets. */
const SECRETS = { secretmanager: 'secrets of functions' };

export const apis: Part = {
  title: 'services',
  async plan(context) {
    const enabled = await context.cloud.services();
    const hasSecrets = context.app.functions.flatMap(secretsOf).some(({ required }) => required);
    const wanted: Readonly<Record<string, string>> = hasSecrets ? { ...APIS, ...SECRETS } : APIS;
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
