import type { Service } from '../service.ts';
import { artifactRegistry, cloudBuild } from './build.ts';
import { eventarc } from './eventarc.ts';
import { functions } from './functions.ts';
import { kms } from './kms.ts';
import { logging, monitoring } from './observe.ts';
import { billing, resourceManager } from './projects.ts';
import { pubsub } from './pubsub.ts';
import { run } from './run.ts';
import { scheduler } from './scheduler.ts';
import { secretManager } from './secret-manager.ts';
import { serviceAccounts } from './service-accounts.ts';
import { serviceUsage } from './service-usage.ts';
import { storage } from './storage.ts';

export const services: readonly Service[] = [
  resourceManager,
  billing,
  serviceUsage,
  serviceAccounts,
  storage,
  pubsub,
  functions,
  run,
  eventarc,
  scheduler,
  logging,
  monitoring,
  cloudBuild,
  artifactRegistry,
  secretManager,
  kms,
];
