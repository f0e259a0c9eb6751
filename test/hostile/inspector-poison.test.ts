import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { runDlqHere } from '../helpers/dlq.ts';
import { startInspector } from '../helpers/inspector.ts';

const GOOD = 200;
/** Fewer than the deployed 30, which take too long. */
const ATTEMPTS = 18;
const SOURCE = '//shop/orders';
/** Valid base64 that stands for a payload that kills the process. */
const KILLER = 'KILLKILLKILLKILL';
const PRELOAD = `
const { from } = Buffer;
Buffer.from = function (value, ...rest) {
  if (value === '${KILLER}') process.kill(process.pid, 'SIGKILL');
  return from.call(this, value, ...rest);
};
`;

const idOf = (name: string): string => eventIdOf({ id: name, source: SOURCE });
const letter = (name: string, data?: Buffer) => ({
  data:
    data ?? JSON.stringify({ specversion: '1.0', id: name, source: SOURCE, type: 'order.created', data: {} }),
  attributes: {
    'content-type': 'application/cloudevents+json',
    deadLetterForm: 'original',
    deadLetterCode: 'schema-violation',
    deadLetterReason: 'data/total is "x"; must be number',
    deadLetterFunction: 'ingestEvent',
    deadLetterEventId: idOf(name),
    deadLetterMessageId: name,
  },
});

test('poison that kills the inspector or cannot be recorded is set aside; all other letters are recorded', {
  timeout: 240_000,
}, async () => {
  const folder = await startFolder();
  const crashes: string[] = [];
  const scene = await startInspector({
    env: { NODE_OPTIONS: `--require ${folder.preload}` },
    attempts: ATTEMPTS,
    backoff: { minMs: 100, maxMs: 1_000 },
    process: { onCrash: (code, signal) => void crashes.push(signal ?? String(code)) },
  });
  try {
    const unrecorded = letterOf('ingestEvent', idOf('unrecorded'));
    const { faults } = scene.gcs.server;
    faults.add({ action: { kind: 'status', status: 403 }, bucket: 'state', name: unrecorded, times: null });
    const poison = [letter('killer', Buffer.from(KILLER, 'base64')), letter('unrecorded')];
    const good = Array.from({ length: GOOD }, (_, serial) => letter(`good-${serial}`));
    await scene.publish([...good.slice(0, GOOD / 2), ...poison, ...good.slice(GOOD / 2)]);
    await expect.poll(scene.waiting, { timeout: 200_000, interval: 200 }).toBe(0);

    const found = (await scene.letters()).map((one) => one.letter);
    const wanted = good.map((_, serial) => letterOf('ingestEvent', idOf(`good-${serial}`)));
    process.stdout.write(
      `hostile: inspector killed ${crashes.length} times by poison, ${found.length} of ${GOOD} neighbours recorded\n`,
    );
    expect(found.sort()).toEqual(wanted.sort());
    expect(crashes.length).toBeGreaterThan(0);
    expect(crashes.length).toBeLessThanOrEqual(ATTEMPTS);

    // listed without parsing the data, and nothing is fired by it
    await folder.write({ gcs: scene.gcs.server.url, pubsub: scene.pubsubUrl });
    const listed = await dlq('unread', '--json');
    const { unread } = JSON.parse(listed.stdout) as { unread: Record<string, unknown>[] };
    // in the order in which they were given up, which is either
    const [first, second] = poison.map(({ data }) => data.length);
    const unrecordedOne = unread.find(({ bytes }) => bytes === second);
    expect(unread.map(({ bytes }) => bytes).sort()).toEqual([first, second].sort());
    expect(unread).toMatchObject(poison.map(() => ({ deliveries: ATTEMPTS, function: 'ingestEvent' })));

    // fixed: put back, and recorded
    faults.clear();
    const id = String(unrecordedOne?.['messageId']);
    expect(await dlq('unread', id, '--put-back')).toMatchObject({
      code: 0,
      stdout: '1 dead letter put back\n',
    });
    await expect.poll(async () => (await scene.letters()).length, { timeout: 30_000 }).toBe(GOOD + 1);
    const [left, ...more] = await scene.unread();
    expect(left?.message.data).toBe(KILLER);
    expect(more).toEqual([]);
  } finally {
    await scene.close();
  }

  function dlq(command: string, ...args: string[]) {
    const env = { DEAD_LETTER_TOPIC: 'dead' };
    return runDlqHere([command, ...args, '--local', folder.dir, '--project', 'demo'], env);
  }
});

/** Holds the script that makes KILLER kill, and later the endpoints that the command reads. */
async function startFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'poison-'));
  const preload = join(dir, 'preload.cjs');
  await writeFile(preload, PRELOAD);
  return {
    dir,
    preload,
    write: (endpoints: object) => writeFile(join(dir, 'endpoints.json'), JSON.stringify(endpoints)),
  };
}
