import { afterAll } from 'vitest';
import { startTestPubsub, type TestPubsub } from '../helpers/pubsub.ts';
import { pubsubContract } from './pubsub.ts';

let pubsub: TestPubsub | undefined;

afterAll(() => pubsub?.close());

pubsubContract('the local server', async () => {
  pubsub = await startTestPubsub();
  return { url: pubsub.server.url, project: 'local' };
});
