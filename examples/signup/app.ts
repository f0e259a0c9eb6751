import { ingestTopic } from '../../functions/ingest/definition.ts';
import { services } from '../../functions/services.ts';
import { expire } from '../../shared/app/bucket.ts';
import { defineApp } from '../../shared/app/define-app.ts';
import { createContact } from './create-contact/definition.ts';
import { createUser } from './create-user/definition.ts';
import { relayUsers } from './relay-users/definition.ts';
import { sendWelcomeEmail } from './send-welcome-email/definition.ts';
import { trackSignup } from './track-signup/definition.ts';
import { SIGNUPS } from './track-signup/signups-table.ts';

export default defineApp({
  name: 'signup',
  includes: [services],
  buckets: {
    users: {
      env: 'USERS_BUCKET',
      doc: 'users by address, requests by idempotency key, and events to be published; soft delete, since nobody else has them',
      // a key must be remembered for as long as its client may retry
      lifecycle: [expire(30, 'requests/')],
    },
  },
  topics: {
    'user-events': { env: 'USER_EVENTS_TOPIC', doc: 'what happens to users: user.created' },
    'relay-users': { doc: 'the scheduler publishes here when the outbox is due' },
  },
  tables: [SIGNUPS],
  schemas: new URL('./schemas/', import.meta.url).href,
  functions: [
    createUser,
    relayUsers,
    sendWelcomeEmail,
    trackSignup,
    createContact,
    // so that a consumer that is added later can catch up
    ingestTopic('ingestUserEvents', 'user-events'),
  ],
});
