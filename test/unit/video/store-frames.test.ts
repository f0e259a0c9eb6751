import { expect, test } from 'vitest';
import type { Detection } from '../../../functions/video/detect.ts';
import type { VideoFile } from '../../../functions/video/media/video-file.ts';
import { videoNames } from '../../../functions/video/records.ts';
import { storeFrames } from '../../../functions/video/store-frames.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { oneColorVideo } from '../../helpers/one-color-video.ts';

const MOMENT = {
  timestamp: '00:01',
  coarseSeconds: 1,
  chosenSeconds: 1,
  decidedBy: 'stills' as const,
  confidence: 1,
  description: 'it',
};
const NO_TOKENS = { prompt: 0, output: 0, thoughts: 0, total: 0 };

test('a frame decoded with errors is stored, and its moment says so', async () => {
  const file: VideoFile = {
    ...oneColorVideo(),
    async frameAt(time) {
      const frame = { time, width: 1, height: 1, rgb: new Uint8Array(3) };
      return time === 1 ? { ...frame, decodeErrors: 3 } : frame;
    },
  };
  const detection: Detection = {
    schemaVersion: 1,
    question: { moment: 'it', maxMoments: 2 },
    model: { sdk: 'vertexai', name: 'm', asks: 1 },
    moments: [MOMENT, { ...MOMENT, chosenSeconds: 2 }],
    dropped: [],
    tokens: { ...NO_TOKENS, coarse: NO_TOKENS, fine: NO_TOKENS },
  };
  const moments = await storeFrames({
    ...{ video: file, detection, metadata: {}, quality: 85, previewWidth: 320, clipWidth: 640 },
    frames: createMemoryStorage().bucket('frames'),
    names: videoNames({ bucket: 'raw', name: 'a.mp4', generation: '1' }),
    question: { formats: [{ format: 'png' }], contactSheet: false, preview: false, clipSeconds: 0 },
    signal: new AbortController().signal,
  });
  expect(moments.map(({ seconds, decodeErrors }) => [seconds, decodeErrors])).toEqual([
    [1, 3],
    [2, undefined],
  ]);
  expect(moments[1]).not.toHaveProperty('decodeErrors');
});
