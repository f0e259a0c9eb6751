import { expect, test } from 'vitest';
import { binaryRequest, finalizedEvent } from '../helpers/events.ts';
import { startPipeline } from '../helpers/pipeline.ts';

test('events about our own records and the table produce nothing that could fire again', async () => {
  const pipeline = await startPipeline();
  try {
    const before = await Promise.all([pipeline.names('state'), pipeline.names('frames')]);
    for (const bucket of ['state', 'lake']) {
      const { headers, body } = binaryRequest(finalizedEvent({ bucket, name: 'a.mp4' }));
      const url = pipeline.cloud.endpoints.functions['processVideo']!;
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(204);
    }
    expect(await Promise.all([pipeline.names('state'), pipeline.names('frames')])).toEqual(before);
    expect(pipeline.deadLetters()).toBe(0);
    const ignored = pipeline.logs.filter(({ outcome }) => outcome === 'ignored');
    expect(ignored).toMatchObject([
      { severity: 'ERROR', message: 'own output ignored', object: 'gs://state/a.mp4' },
      { severity: 'ERROR', message: 'own output ignored', object: 'gs://lake/a.mp4' },
    ]);
  } finally {
    await pipeline.close();
  }
});
