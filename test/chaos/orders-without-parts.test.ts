import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { expect, test } from 'vitest';
import { describeRun, runOrders } from '../helpers/orders-chaos.ts';

/** Replaces a text in a file of the bundle; the text must be there. */
function replacing(file: RegExp, text: string, by: string): Plugin {
  return {
    name: 'part taken out',
    setup: (build) =>
      build.onLoad({ filter: file }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(text)) throw new Error(`${path} must contain ${text}`);
        return { contents: source.replace(text, by), loader: 'ts' };
      }),
  };
}

const WITHOUT_INBOX = replacing(
  /shared\/patterns\/inbox\.ts$/,
  'return rowCount === 1;',
  'return rowCount !== null;',
);

const WITHOUT_KEY = replacing(
  /examples\/orders\/payments\/gateway\.ts$/,
  "'idempotency-key': key",
  "'idempotency-key': key + Math.random()",
);

/** The plain way: publish once the change is committed, from memory. */
const WITHOUT_OUTBOX = replacing(
  /shared\/patterns\/outbox\.ts$/,
  'if (events.length === 0) return;',
  `if (events.length === 0) return;
  if (sql) {
    setTimeout(async () => {
      const { createPublisher } = await import('../gcp/pubsub.ts');
      const { PUBSUB_API_ENDPOINT: apiEndpoint, EVENTS_TOPIC = 'events' } = process.env;
      const publisher = createPublisher({ project: 'local', apiEndpoint });
      await publisher.publish(EVENTS_TOPIC, events.map(({ data, attributes, orderingKey }) =>
        ({ data, attributes, ...(orderingKey !== undefined && { orderingKey }) })));
    }, 200);
    return;
  }`,
);

/** `ORDERS_WITHOUT='the inbox'` runs one of them. */
const only = process.env['ORDERS_WITHOUT'];

const PARTS = [
  ['the inbox', WITHOUT_INBOX, 16, /held of/],
  ['the idempotency key', WITHOUT_KEY, 16, /charged [2-9] times/],
  // a process must die in the short time after a commit
  ['the outbox', WITHOUT_OUTBOX, 40, /0 ends/],
] as const;

test.each(PARTS.filter(([part]) => only === undefined || part === only))(
  'without %s the same is no longer true',
  { timeout: 900_000 },
  async (part, plugin, orders, violation) => {
    const outcome = await runOrders({
      saga: 'choreography',
      orders,
      plugins: [plugin],
    });
    process.stdout.write(describeRun(`without ${part}`, outcome));
    expect(outcome.violations.join('\n')).toMatch(violation);
  },
);
