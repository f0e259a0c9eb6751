import { defineFunction } from '../../shared/app/define-function.ts';
import type { OptionalPart } from '../../shared/app/optional.ts';
import { http } from '../../shared/app/trigger.ts';
import { SOURCES_SECRET, settings } from './settings.ts';

const receiveEvent = defineFunction({
  name: 'receiveEvent',
  // vendors have no account here: each request is authenticated by its source's key
  trigger: http({ callers: 'all', body: 'bytes' }),
  instance: { memory: '512Mi', cpu: 1, concurrency: 250, maxInstances: 4, timeoutSeconds: 60 },
  roles: [
    { role: 'roles/pubsub.publisher', on: 'events', reason: 'publishes what it receives' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes bad members of batches' },
  ],
  settings,
  secretFiles: [SOURCES_SECRET],
  load: () => import('./handler.ts'),
});

export const receive: OptionalPart = {
  doc: `receiveEvent takes webhooks and other clouds' events from anyone who knows a key
(docs/receive.md)`,
  functions: [receiveEvent],
};
