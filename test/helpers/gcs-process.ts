import { startGcsServer } from '../../local/gcs/server.ts';

/** `node gcs-process.ts DIR PORT`: a server in its own process, for tests that kill it. */
const [dir = '', port = '0'] = process.argv.slice(2);
const server = await startGcsServer({ dir, port: Number(port), buckets: ['bucket'], events: true });
process.stdout.write(`${server.url}\n`);
