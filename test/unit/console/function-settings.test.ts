import { expect, test } from 'vitest';
import { describeSettings } from '../../../console/function-settings.ts';
import { core } from '../../../functions/app.ts';
import { secretsOf } from '../../../shared/app/app-settings.ts';
import { functionNamed } from '../../../shared/app/define-app.ts';
import { loadApp } from '../../../shared/app/load-app.ts';

const processVideo = functionNamed(core, 'processVideo')!;
const named = (all: ReturnType<typeof describeSettings>, name: string) =>
  all.find((one) => one.name === name);

test('a running function: what it is given, and the defaults of the rest', () => {
  const all = describeSettings(processVideo, { GEMINI_MODEL: 'a-model', FRAMES_BUCKET: 'frames' });
  expect(named(all, 'GEMINI_MODEL')).toMatchObject({ from: 'given', value: 'a-model', setBy: 'operator' });
  expect(named(all, 'FRAMES_BUCKET')).toMatchObject({ from: 'given', value: 'frames', setBy: 'deployment' });
  expect(named(all, 'FRAME_FORMAT')).toMatchObject({ from: 'default', value: 'png' });
  expect(named(all, 'FFMPEG_PATH')).toMatchObject({ from: 'nothing' });
  expect(named(all, 'FFMPEG_PATH')).not.toHaveProperty('value');
});

test('a deployed function: nobody says more than the defaults', () => {
  const all = describeSettings(processVideo, undefined);
  expect(new Set(all.map(({ from }) => from))).toEqual(new Set(['unknown']));
});

test.each(['functions', 'examples/orders', 'examples/signup'])('%s: no secret is among them', async (dir) => {
  const { app } = await loadApp(dir);
  for (const one of app.functions) {
    const secrets = secretsOf(one).map(({ name }) => name);
    const given = Object.fromEntries(secrets.map((name) => [name, 'hunter2']));
    const all = describeSettings(one, given);
    expect(all.filter(({ name }) => secrets.includes(name))).toEqual([]);
    expect(JSON.stringify(all)).not.toContain('hunter2');
  }
});
