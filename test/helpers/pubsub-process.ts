import { startPubsubServer } from '../../local/pubsub/server.ts';

/** `node pubsub-process.ts DIR PORT`: a server in its own process, for tests that kill it. */
const [dir = '', port = '0'] = process.argv.slice(2);
const server = await startPubsubServer({
  dir,
  port: Number(port),
  topics: ['events'],
  // small enough that compaction happens during the test
  sizes: { segmentBytes: 50_000, journalBytes: 5_000 },
});
process.stdout.write(`${server.url}\n`);
