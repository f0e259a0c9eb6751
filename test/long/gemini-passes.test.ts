import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../functions/video/media/ffmpeg.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import type { VideoFile } from '../../functions/video/media/video-file.ts';
import { findMoments } from '../../functions/video/moments/find-moments.ts';
import { refineMoment } from '../../functions/video/moments/refine-moment.ts';
import {
  type MetadataServer,
  metadataEnvironment,
  startMetadataServer,
} from '../../local/metadata-server.ts';
import { startVertexServer, type VertexServer } from '../../local/vertex/server.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { anyFfmpeg, type EventClip, makeEventClip } from '../helpers/event-clips.ts';
import { type GeminiProcess, startGeminiProcess } from '../helpers/gemini-process.ts';

const asked = { moment: 'an orange box', maxMoments: 1 };

/** Both passes over real clips, through either SDK, against the local Vertex AI. */
describe.each(['vertexai', 'genai'] as const)('from question to frame, through %s', (sdk) => {
  let dir: string;
  let vertex: VertexServer;
  let metadata: MetadataServer;
  let model: GeminiProcess;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), `passes-${sdk}-`));
    metadata = await startMetadataServer({ projectId: 'passes' });
    vertex = await startVertexServer({
      dir: join(dir, 'vertex'),
      ffmpegPath: anyFfmpeg(),
      openObject: async (_, name) => join(dir, name),
    });
    const options = { project: 'passes', location: 'global', model: 'gemini-3.8-flash' };
    model = await startGeminiProcess(
      sdk,
      { ...options, apiEndpoint: vertex.endpoint },
      { ...metadataEnvironment(metadata, join(dir, 'no-home')), NODE_EXTRA_CA_CERTS: vertex.caPath },
    );
  });

  afterAll(async () => {
    await model?.close();
    await vertex?.close();
    await metadata?.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function detect(name: string, clip: EventClip, fps = 1) {
    const path = await makeEventClip(dir, name, clip);
    const store = createMemoryStorage().bucket('raw');
    const put = await store.putIfAbsent(name, await readFile(path));
    if (put.kind !== 'written') throw new Error(`${name} was there already`);
    const limits = { maxSeconds: 60, maxPixels: 1e6 };
    const file: VideoFile = await openVideoFile({
      store,
      object: put.facts,
      ffmpeg: await findFfmpeg(),
      limits,
    });
    try {
      const part = { videoUri: `gs://raw/${name}`, mimeType: 'video/mp4' };
      const video = { part, durationSeconds: file.facts.durationSeconds, file };
      const coarse = await findMoments(video, asked, { model, fps });
      const fine = [];
      for (const moment of coarse.moments) {
        fine.push(await refineMoment(file, moment, asked, { model, windowSeconds: 2, stillsPerWindow: 51 }));
      }
      return { coarse, fine };
    } finally {
      await file.close();
    }
  }

  it('a box visible only between two samples is missed at 1 frame per second, and found at 4', async () => {
    const clip: EventClip = { seconds: 10, box: [6.4, 6.8] };
    expect((await detect('brief.mp4', clip)).coarse.moments).toEqual([]);
    const { coarse, fine } = await detect('brief-at-4.mp4', clip, 4);
    expect(coarse.moments.map(({ timestamp }) => timestamp)).toEqual(['00:06.500']);
    expect(fine[0]?.time).toBeGreaterThanOrEqual(6.4);
    expect(fine[0]?.time).toBeLessThan(6.8);
  });

  it('a box that stays: named in the first second that shows it, then in the first frame', async () => {
    const { coarse, fine } = await detect('stays.mp4', { seconds: 10, box: [6.4, 9] });
    expect(coarse.moments.map(({ timestamp }) => timestamp)).toEqual(['00:07']);
    // at 25 frames per second the first frame with the box starts at 6.4 s; later ones show the same
    expect(fine[0]).toMatchObject({ by: 'stills', of: 51, asks: 1 });
    expect(fine[0]?.still).toBe(11);
    expect(fine[0]?.time).toBeGreaterThanOrEqual(6.4);
    expect(fine[0]?.time).toBeLessThanOrEqual(8);
  });

  it('a clip in which nothing happens has no moment', async () => {
    const { coarse } = await detect('still.mp4', { seconds: 5 });
    expect(coarse.moments).toEqual([]);
  });

  it('a clip under half a second: its real frames are used, not invented times', async () => {
    const { coarse, fine } = await detect('short.mp4', { seconds: 0.4, box: [0.2, 1] });
    expect(coarse.moments).toMatchObject([{ seconds: 0.2, by: 'stills' }]);
    expect(fine[0]).toMatchObject({ time: 0.2, by: 'stills', asks: 0 });
    expect((await detect('short-still.mp4', { seconds: 0.4 })).coarse.moments).toEqual([]);
  });
});
