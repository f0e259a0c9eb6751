import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainPubsub, startTestPubsub, type TestPubsub, textOf } from '../helpers/pubsub.ts';

const run = promisify(execFile);
const missing = await run('gcloud', ['--version']).then(
  () => undefined,
  () => 'gcloud is not installed',
);

if (missing === undefined) {
  describe('gcloud over the local Pub/Sub server', () => {
    let pubsub: TestPubsub;
    let config: string;
    const api = plainPubsub(() => pubsub.server.url);
    const gcloud = async (...args: string[]): Promise<string> => {
      const env = {
        ...process.env,
        CLOUDSDK_CONFIG: config,
        CLOUDSDK_CORE_PROJECT: 'local',
        CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
        CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `${pubsub.server.url}/`,
      };
      return (await run('gcloud', ['pubsub', ...args], { env })).stdout;
    };

    beforeAll(async () => {
      pubsub = await startTestPubsub({ topics: ['events'] });
      config = await mkdtemp(join(tmpdir(), 'pubsub-gcloud-'));
    });
    afterAll(async () => {
      await pubsub.close();
      await rm(config, { recursive: true, force: true });
    });

    it('publishes a message that is pulled unchanged', async () => {
      await api.createSubscription('plain', 'events');
      const printed = await gcloud(
        'topics',
        'publish',
        'events',
        '--message={"é": "😀"}',
        '--attribute=type=video.framed,empty=',
        '--ordering-key=k',
      );
      const [received] = await api.pull('plain');
      expect(textOf(received!)).toBe('{"é": "😀"}');
      expect(received!.message).toMatchObject({
        attributes: { type: 'video.framed', empty: '' },
        orderingKey: 'k',
      });
      expect(printed).toContain(received!.message.messageId);
    });

    it('makes a subscription with all settings, changes it, pulls, seeks and deletes', async () => {
      await gcloud('topics', 'create', 'dead-letters');
      await gcloud(
        ...['subscriptions', 'create', 'full', '--topic=events', '--ack-deadline=20'],
        ...['--min-retry-delay=1s', '--max-retry-delay=10s', '--dead-letter-topic=dead-letters'],
        ...['--max-delivery-attempts=7', '--message-filter=attributes:type', '--enable-message-ordering'],
        ...['--labels=a=b', '--expiration-period=never', '--message-retention-duration=1d'],
      );
      expect(await api.ok('GET', api.subscriptionName('full'))).toMatchObject({
        topic: 'projects/local/topics/events',
        ackDeadlineSeconds: 20,
        retryPolicy: { minimumBackoff: '1s', maximumBackoff: '10s' },
        deadLetterPolicy: { deadLetterTopic: 'projects/local/topics/dead-letters', maxDeliveryAttempts: 7 },
        filter: 'attributes:type',
        enableMessageOrdering: true,
        labels: { a: 'b' },
        expirationPolicy: {},
        messageRetentionDuration: '86400s',
      });
      await gcloud('subscriptions', 'update', 'full', '--ack-deadline=30', '--clear-dead-letter-policy');
      const changed = await api.ok('GET', api.subscriptionName('full'));
      expect(changed).toMatchObject({ ackDeadlineSeconds: 30, labels: { a: 'b' } });
      expect(changed).not.toHaveProperty('deadLetterPolicy');
      await gcloud('topics', 'publish', 'events', '--message=x', '--attribute=type=t');
      const pulled = JSON.parse(await gcloud('subscriptions', 'pull', 'full', '--auto-ack', '--format=json'));
      expect(pulled).toMatchObject([{ ackStatus: 'SUCCESS', message: { data: 'eA==' } }]);
      expect(await gcloud('topics', 'list-subscriptions', 'events')).toContain(
        'projects/local/subscriptions/full',
      );
      await gcloud('subscriptions', 'seek', 'full', '--time=2026-01-01T00:00:00Z');
      await gcloud('subscriptions', 'delete', 'full');
      await expect(gcloud('topics', 'publish', 'no-such', '--message=x')).rejects.toThrow(/NOT_FOUND/);
    });
  });
} else {
  process.stdout.write(`not run: gcloud over the local Pub/Sub server: ${missing}\n`);
  it('gcloud over the local Pub/Sub server', ({ skip }) => skip(missing));
}
