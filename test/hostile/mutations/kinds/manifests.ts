import { readManifest } from '../../../../functions/video/manifest-shape.ts';
import { outcomeEvent } from '../../../../functions/video/publish-outcome.ts';
import { describeResult } from '../../../../local/report.ts';
import { AppError } from '../../../../shared/core/errors.ts';
import { Outgoing } from '../../../../shared/events/publish.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import { publishTools } from '../../../helpers/outgoing.ts';
import { type MutationKind, sometimesAsIs } from '../kind.ts';
import { mutateBytes, mutateJson, NASTY_TOKENS, pick } from '../mutate.ts';
import { withFile } from './delta-log.ts';

const NAME = 'a.mp4/1/manifest.json';
const FRAME = {
  bucket: 'frames',
  name: 'a.mp4/1/frame-01.png',
  generation: '2',
  contentType: 'image/png',
  size: 9,
  crc32c: 'AAAAAA==',
  width: 640,
  height: 360,
};
const COMMON = {
  schemaVersion: 1,
  source: { bucket: 'raw', name: 'a.mp4', generation: '1', size: 100, contentType: 'video/mp4' },
  question: { moment: 'a dog', maxMoments: 1 },
  model: { sdk: 'vertexai', name: 'gemini', asks: 2 },
  dropped: [],
  tokens: { prompt: 1, output: 2, total: 3, coarse: {}, fine: {} },
  estimatedCost: 0.01,
  timings: { openMs: 1 },
  attempts: 1,
  eventId: 'e',
  correlationId: 'c',
  createdAt: '2026-11-21T10:00:00.000Z',
};
const MOMENT = {
  timestamp: '00:01',
  coarseSeconds: 1,
  chosenSeconds: 1.04,
  decidedBy: 'stills',
  confidence: 0.9,
  description: 'a dog',
  seconds: 1.04,
  frame: FRAME,
  contactSheet: FRAME,
};
const MANIFESTS: readonly object[] = [
  { ...COMMON, outcome: 'framed', moments: [MOMENT] },
  { ...COMMON, outcome: 'no-moment', moments: [] },
  { ...COMMON, outcome: 'rejected', moments: [], rejection: { code: 'too-long', reason: 'r' } },
];

/** Manifests as read back by a later delivery, which publishes their outcome, and by the command line. */
export const manifests: MutationKind = {
  async open() {
    const encode = (manifest: unknown): Buffer => Buffer.from(JSON.stringify(manifest) ?? 'null');
    const seeds = MANIFESTS.map(encode);
    const store = createMemoryStorage().bucket('frames');
    await store.putIfAbsent(NAME, Buffer.from('{}'));
    return {
      make: sometimesAsIs(seeds, (random) =>
        random() < 0.8
          ? encode(mutateJson(pick(random, MANIFESTS), random))
          : mutateBytes(pick(random, seeds), pick(random, seeds), random, NASTY_TOKENS),
      ),
      async read(bytes) {
        try {
          const manifest = await readManifest(withFile(store, NAME, bytes), NAME);
          if (!manifest) return 'refused';
          const { eventId, correlationId } = manifest;
          const outgoing = new Outgoing(
            { function: 'processVideo', eventId, correlationId },
            publishTools().tools,
          );
          await outgoing.publish('events', outcomeEvent(manifest, { bucket: 'frames', name: NAME }));
          describeResult({ file: 'a.mp4', manifest, copies: [] });
          return 'read';
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          return 'refused';
        }
      },
    };
  },
};
