import { createPublisher } from '../../shared/gcp/pubsub.ts';

/** `node pubsub-publish-process.ts ENDPOINT`: publishes twice with the environment's credentials. */
const publisher = createPublisher({ project: 'local', apiEndpoint: process.argv[2] ?? '' });
const ids = [
  ...(await publisher.publish('events', [{ data: 'one' }])),
  ...(await publisher.publish('events', [{ data: 'two' }])),
];
publisher.close();
process.stdout.write(JSON.stringify(ids));
