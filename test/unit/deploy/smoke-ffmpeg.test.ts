import { expect, test } from 'vitest';
import { type Gcloud, GcloudError } from '../../../deploy/gcloud.ts';
import { checkFfmpeg } from '../../../deploy/smoke-ffmpeg.ts';

const DECODER = { name: 'pipeline-processvideo', project: 'demo-project', region: 'r' };

async function check(answer: (command: string[]) => unknown): Promise<{ said: string[]; asked: string[] }> {
  const [said, asked]: [string[], string[]] = [[], []];
  const read = async <T>(...command: string[]): Promise<T> => {
    if (command[0] === 'functions')
      return { serviceConfig: { revision: 'pipeline-processvideo-00003-abc' } } as T;
    asked.push(command.join(' '));
    return answer(command) as T;
  };
  const gcloud = { read } as unknown as Gcloud;
  await checkFfmpeg(gcloud, DECODER, (line) => void said.push(line), { log: 0, look: 1 });
  return { said, asked };
}

const logged = (jsonPayload: object) => () => [{ jsonPayload }];

test('the log of the deployed revision says which ffmpeg runs', async () => {
  const { said, asked } = await check(logged({ path: '/usr/bin/ffmpeg', version: '7.1', source: 'path' }));
  expect(said).toEqual(['smoke: the function runs ffmpeg 7.1 (/usr/bin/ffmpeg)']);
  expect(asked[0]).toContain('resource.labels.revision_name="pipeline-processvideo-00003-abc"');
});

test('the one of 2018 fails the smoke test', async () => {
  await expect(check(logged({ version: 'N-47683', source: 'bundled' }))).rejects.toThrow(
    /runs ffmpeg N-47683 of 2018 from npm, .*FFMPEG_PATH/,
  );
});

test('a log that says nothing, or that may not be read, is told and fails nothing', async () => {
  expect((await check(() => [])).said).toEqual([
    'smoke: the log of pipeline-processvideo does not say which ffmpeg it runs',
  ]);
  const denied = await check((command) => {
    throw new GcloudError(command, 'PERMISSION_DENIED: no logging.logEntries.list');
  });
  expect(denied.said).toEqual([
    expect.stringMatching(/^smoke: which ffmpeg .* could not be looked up: PERMISSION/),
  ]);
});
