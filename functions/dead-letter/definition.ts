import { defineFunction } from '../../shared/app/define-function.ts';
import { writesOnce } from '../../shared/app/storage-roles.ts';
import { messagePublished } from '../../shared/app/trigger.ts';
import { addsRows } from '../table-roles.ts';
import { settings } from './settings.ts';

export const inspectDeadLetter = defineFunction({
  name: 'inspectDeadLetter',
  trigger: messagePublished({ topic: 'dead-letters' }),
  // about four hours: longer than most outages, and than a poison message can keep killing instances
  maxDeliveryAttempts: 30,
  givesUpTo: 'dead-letters-unread',
  instance: {
    memory: '2Gi',
    cpu: 1,
    // Mostly waits for storage. A letter of the maximum size takes some 80 MB: admission counts its bytes.
    concurrency: 80,
    maxInstances: 4,
    timeoutSeconds: 120,
  },
  roles: [
    { role: 'roles/storage.objectViewer', on: 'sources', reason: 'checks whether the upload still exists' },
    {
      role: 'roles/storage.objectViewer',
      on: 'results',
      reason: 'checks whether the upload has a result by now',
    },
    ...writesOnce('state', 'stores the dead letters, and reads the records of their failed attempts'),
    ...addsRows('writes the table of dead letters, and looks up events in the table of events'),
  ],
  settings,
  load: () => import('./handler.ts'),
});
