import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { structured } from './messages.ts';
import { base64 } from './pubsub.ts';
import { setVertexFaults } from './vertex-faults.ts';
import { type ShownGroup, type ShownLetter, startWalk, type WalkScene, walkClips } from './walk-scene.ts';

const TIME = 180_000;

/** One event of a kind, as its producer publishes it. */
function message(fields: Record<string, unknown>): Record<string, unknown> {
  const { data, attributes } = structured(fields);
  return { data, attributes };
}

const order = (n: number) => message({ id: `order-${n}`, correlationid: `customer-${n}` });
const long = (n: number) => message({ id: `long-${n}`, type: 'note', data: { text: 'x'.repeat(3_000) } });
const invoice = (n: number) => message({ id: `invoice-${n}`, type: 'invoice.sent', data: { total: 19.99 } });
/** The schema of invoices, as deployed by mistake and as intended. */
const invoices = (total: 'integer' | 'number') => ({
  type: 'invoice.sent',
  version: '1',
  schema: { type: 'object', properties: { total: { type: total } } },
});
const wrong = message({ id: 'wrong', type: 'video.framed', data: { moments: 1 } });
/** Plain JSON, whose source is its topic. */
const reading = { data: base64('{"celsius":21.5}'), attributes: { type: 'reading' } };

/**
 * From faults to dead letters and back, with everything that an operator has: functions, storage, Gemini and
 * Pub/Sub behind HTTP, and the command in its own processes. `pubsub` replaces our local Pub/Sub.
 */
export function deadLetterWalk(
  label: string,
  open: () => Promise<{ pubsubUrl?: string; close?(): Promise<void> }> = async () => ({}),
): void {
  describe(`dead letters, there and back: ${label}`, { timeout: TIME }, () => {
    let scene: WalkScene;
    let closePubsub: (() => Promise<void>) | undefined;
    let clip: string;
    let uploads: { name: string; generation: string }[];
    let groups: ShownGroup[];

    const group = (code: string, pattern = ''): ShownGroup =>
      groups.find((one) => one.code === code && one.pattern.includes(pattern))!;
    const letters = async (...args: string[]): Promise<ShownLetter[]> =>
      (await scene.json<{ letters: ShownLetter[] }>('list', '--letters', ...args)).value.letters;

    beforeAll(async () => {
      const { pubsubUrl, close } = await open();
      closePubsub = close;
      scene = await startWalk({
        env: { MAX_EVENT_BYTES: '2000' },
        schema: invoices('integer'),
        ...(pubsubUrl && { pubsubUrl }),
      });
      ({ clip } = await walkClips(scene.clips));
    }, TIME);
    afterAll(async () => {
      await scene?.close();
      await closePubsub?.();
    });

    test('five faults at once: one group each, with its cause', async () => {
      const { cloud, upload } = scene.pipeline;
      // storage denies the table, to the dead-letter inspector as well
      cloud.gcs.faults.add({ action: { kind: 'status', status: 403 }, bucket: 'lake', times: null });
      await setVertexFaults(cloud, { kinds: ['503'], times: 1_000_000 });
      const { broken } = await walkClips(scene.clips);
      uploads = [await upload(clip, 'door.mp4'), await upload(clip, 'yard.mp4')];
      const rejected = await upload(broken, 'broken.mp4');
      await scene.publish(
        order(1),
        order(2),
        order(3),
        reading,
        long(1),
        long(2),
        invoice(1),
        invoice(2),
        wrong,
      );

      // the corrupt clip has an outcome; the event about it meets the denied table
      expect(await scene.pipeline.manifestOf(rejected)).toMatchObject({ outcome: 'rejected' });
      groups = await scene.untilOpen(12);
      const seen = groups.map((one) => [one.function, one.code, one.letters, one.deaths, one.statuses]);
      expect(seen.sort()).toEqual([
        ['ingestEvent', 'denied', 5, 5, { open: 5 }],
        ['ingestEvent', 'schema-violation', 1, 1, { open: 1 }],
        ['ingestEvent', 'schema-violation', 2, 2, { open: 2 }],
        ['ingestEvent', 'too-large', 2, 2, { open: 2 }],
        ['processVideo', 'unavailable', 2, 2, { open: 2 }],
      ]);
      expect(group('schema-violation', 'invoice').pattern).toMatch(
        /^data\/total must be integer, got a number/,
      );
      expect(group('schema-violation', 'video').pattern).toMatch(/must have required property/);
      expect(group('too-large').pattern).toMatch(/^event must have at most \S+ bytes, got \S+$/);
      expect(group('unavailable').pattern).toMatch(/currently unavailable/);
    });

    test('each names its subject and its correlation', async () => {
      expect((await letters('--code', 'unavailable')).map(({ concern }) => concern).sort()).toEqual(
        uploads.map(({ name, generation }) => `gs://raw/${name}#${generation}`),
      );
      const denied = await letters('--code', 'denied');
      expect(denied.map(({ correlationId }) => correlationId)).toEqual(
        expect.arrayContaining(['customer-1', 'customer-2', 'customer-3']),
      );
      const { value } = await scene.json<Record<string, unknown>>('show', denied[0]!.letter);
      expect(value).toMatchObject({ status: 'open', way: 'given-up', function: 'ingestEvent' });
      expect(value['entries']).toMatchObject([{ kind: 'death', deliveries: 5, attemptCount: 5 }]);
    });

    test('replayed before the fault is fixed, one fails again and says so', async () => {
      const [one] = await letters('--code', 'denied');
      const { code, value } = await scene.json<{ outcomes: { failedAgain: string[] } }>(
        'replay',
        one!.letter,
        '--wait',
        '90',
      );
      expect(code).toBe(1);
      expect(value.outcomes.failedAgain).toEqual([one!.letter]);
      expect(await letters(one!.letter)).toMatchObject([{ status: 'failed-again', deaths: 2, replays: 1 }]);
    });

    test('a letter whose producer was wrong is discarded with the reason', async () => {
      const { code } = await scene.dlq(
        'discard',
        group('schema-violation', 'video').group,
        '--reason',
        'test data of the shop',
      );
      expect(code).toBe(0);
      expect(await letters('--status', 'discarded')).toHaveLength(1);
    });

    test('the faults are gone, and one command replays all the others', async () => {
      await scene.seenByOthers();
      await scene.deployAgain({ MAX_EVENT_BYTES: '1000000' }, invoices('number'));
      const dry = await scene.json<{ wanted: string[]; published: string[] }>('replay', '--all', '--dry-run');
      expect(dry.value).toMatchObject({ wanted: { length: 11 }, published: [], left: [] });

      const { code, stdout } = await scene.dlq('replay', '--all', '--wait', '120');
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/11 resolved, 0 failed again, 0 without an outcome yet/);
      const open = await scene.json('list');
      expect(open.value).toMatchObject({ total: { letters: 0 }, groups: [] });
      const all = await letters('--status', 'all');
      const count = (status: string) => all.filter((one) => one.status === status).length;
      expect([all.length, count('resolved'), count('discarded')]).toEqual([12, 11, 1]);
    });

    test('the same uploads have their manifests', async () => {
      for (const upload of uploads) {
        const manifest = await scene.pipeline.manifestOf(upload);
        expect(manifest).toMatchObject({ outcome: 'framed', source: upload });
        const seconds = manifest.moments[0]?.seconds ?? -1;
        expect(seconds >= 0.8 && seconds < 1.3, `${seconds} s`).toBe(true);
      }
    });

    test('each event is one row, linked to its letter, and no discarded one is stored', async () => {
      await expect.poll(async () => (await scene.rows('events')).length, { timeout: 60_000 }).toBe(11);
      const rows = await scene.rows('events');
      expect(rows.map((row) => `${row['type']} ${row['ce_id'] ?? ''}`).sort()).toEqual([
        'invoice.sent invoice-1',
        'invoice.sent invoice-2',
        expect.stringMatching(/^note long-1/),
        expect.stringMatching(/^note long-2/),
        expect.stringMatching(/^order\.created order-1/),
        expect.stringMatching(/^order\.created order-2/),
        expect.stringMatching(/^order\.created order-3/),
        expect.stringMatching(/^reading/),
        expect.stringMatching(/^video\.framed/),
        expect.stringMatching(/^video\.framed/),
        expect.stringMatching(/^video\.rejected/),
      ]);
      const byCorrelation = new Map(
        (await letters('--status', 'all')).map((one) => [one.correlationId, one.letter]),
      );
      const first = rows.find((row) => row['ce_id'] === 'order-1');
      expect(first).toMatchObject({
        correlation_id: 'customer-1',
        causation_id: byCorrelation.get('customer-1'),
      });
      // its source is its original topic, not that of the replay
      const plain = rows.find((row) => row['type'] === 'reading');
      expect(plain?.['source']).toBe('//pubsub.googleapis.com/projects/local/topics/events');
    });

    test('replaying all of it once more changes nothing', async () => {
      const before = await scene.rows('events');
      const { code, value } = await scene.json('replay', '--status', 'resolved', '--again', '--wait', '120');
      expect(code).toBe(0);
      expect(value).toMatchObject({ published: { length: 11 }, outcomes: { resolved: { length: 11 } } });
      expect(await scene.rows('events')).toEqual(before);
      const frames = await scene.pipeline.names('frames');
      expect(frames.filter((name) => name.endsWith('manifest.json'))).toHaveLength(3);
    });

    test('no other subscriber of the events topic saw a replay: only the first events of the two videos', async () => {
      const seen: Record<string, string>[] = [];
      for (let tries = 0; tries < 100 && seen.length < 2; tries++) {
        seen.push(...(await scene.seenByOthers()).map(({ attributes = {} }) => attributes));
        await delay(100);
      }
      seen.push(...(await scene.seenByOthers()).map(({ attributes = {} }) => attributes));
      expect(seen.map((attributes) => attributes['ce-type'])).toEqual(['video.framed', 'video.framed']);
    });

    test('every death is a row of the table of dead letters, including that of the failed replay', async () => {
      await expect.poll(async () => (await scene.rows('dead-letters')).length, { timeout: 60_000 }).toBe(13);
      const rows = await scene.rows('dead-letters');
      expect(new Set(rows.map((row) => row['death_id'])).size).toBe(13);
      expect(rows.filter((row) => row['replay'] !== undefined && row['replay'] !== null)).toHaveLength(1);
    });
  });
}
