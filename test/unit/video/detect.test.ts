import { expect, test } from 'vitest';
import { detect, type Spending } from '../../../functions/video/detect.ts';
import { videoNames } from '../../../functions/video/records.ts';
import { parseVideoConfig } from '../../../functions/video/settings.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { oneColorVideo } from '../../helpers/one-color-video.ts';
import { promptOf, type Scripted, scriptedModel } from '../../helpers/scripted-model.ts';

const at = (timestamp: string, confidence: number) => ({ timestamp, confidence, description: 'it' });
const THREE = { json: { found: true, moments: [at('00:05', 0.9), at('00:10', 0.8), at('00:20', 0.7)] } };
const SECOND_STILL = { json: { still: 2, confidence: 0.9 } };

function scene(confirmSeen = async () => {}) {
  const state = createMemoryStorage().bucket('state');
  const names = videoNames({ bucket: 'raw', name: 'a.mp4', generation: '1' });
  const run = async (geminiCalls: number, ...script: Scripted[]) => {
    const env = { FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state', DAILY_GEMINI_CALLS: String(geminiCalls) };
    const model = scriptedModel(...script);
    const spent: Spending[] = [];
    const detection = await detect({
      video: oneColorVideo(),
      part: { videoUri: 'gs://raw/a.mp4', mimeType: 'video/mp4' },
      question: {
        moment: 'it',
        maxMoments: 3,
        contactSheet: false,
        formats: [{ format: 'png' }],
        preview: false,
        clipSeconds: 0,
      },
      names,
      state,
      config: parseVideoConfig(env),
      model: async () => model,
      prefix: '',
      confirmSeen,
      onSpent: (so) => spent.push(so),
      signal: new AbortController().signal,
    }).catch((error: unknown) => error);
    return { detection, asked: model.questions, spent: spent.at(-1) };
  };
  return { state, names, run };
}

test('a budget used up in the middle of three moments: the next attempt asks only for the rest', async () => {
  const { run } = scene();
  const first = await run(2, THREE, SECOND_STILL);
  expect(first.detection).toMatchObject({ code: 'over-budget' });
  expect(first.asked).toHaveLength(2);

  const second = await run(4, SECOND_STILL, SECOND_STILL);
  expect(second.asked.map(promptOf).filter((prompt) => prompt.includes('numbered stills'))).toHaveLength(2);
  expect(second.detection).toMatchObject({
    moments: [
      { coarseSeconds: 5, chosenSeconds: 4 },
      { coarseSeconds: 10, chosenSeconds: 9 },
      { coarseSeconds: 20, chosenSeconds: 19 },
    ],
    model: { asks: 4 },
    tokens: { total: 48, coarse: { total: 12 }, fine: { total: 36 } },
  });

  const third = await run(0);
  expect(third.asked).toHaveLength(0);
  expect(third.detection).toEqual(second.detection);
});

test('a single moment has no record besides the detection', async () => {
  const { run, state, names } = scene();
  await run(0, { json: { found: true, moments: [at('00:05', 0.9)] } }, SECOND_STILL);
  expect(await state.stat(names.detection)).toBeDefined();
  expect(await state.stat(names.fine(0))).toBeUndefined();
});

test('an answer about a newer generation is not kept, and its cost is reported', async () => {
  const replaced = new AppError('superseded', 'gs://raw/a.mp4 is generation 2 now');
  const { run, state, names } = scene(async () => {
    throw replaced;
  });
  const { detection, asked, spent } = await run(0, THREE, SECOND_STILL);
  expect(detection).toBe(replaced);
  expect(asked).toHaveLength(1);
  expect(await state.stat(names.coarse)).toBeUndefined();
  expect(spent).toMatchObject({ model: { asks: 1 }, tokens: { total: 12, coarse: { total: 12 } } });
});
