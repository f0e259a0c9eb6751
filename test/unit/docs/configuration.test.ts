import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configurationDocument } from '../../../docs/generate-configuration.ts';
import { core } from '../../../functions/app.ts';
import { services } from '../../../functions/services.ts';
import { CREDENTIALS } from '../../../local/function-settings.ts';
import { appSettings, secretsOf } from '../../../shared/app/app-settings.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { withOptional } from '../../../shared/app/optional.ts';
import { integer, text } from '../../../shared/app/settings.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');

/** Names in the first column of every table headed `variable`. */
function documented(): Set<string> {
  let isTable = false;
  const names = page.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) isTable = false;
    else if (line.startsWith('| variable |')) isTable = true;
    const [, first = ''] = isTable ? line.split('|') : [];
    return [...first.matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, name]) => name!);
  });
  return new Set(names);
}

function sources(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
}

/** Variables that the command line, the local cloud and the deployment read themselves. */
function lookedUp(): string[] {
  const found = sources('cli', 'local', 'deploy').flatMap((text) =>
    [...text.matchAll(/(?:env\[|orLocally\()'([A-Z][A-Z0-9_]*)'/g)].map(([, name]) => name!),
  );
  // without those of the shell and of gcloud
  return [...new Set(found)].filter((name) => !/^(PATH|HOME|COLUMNS|CLOUDSDK_API_ENDPOINT_.*)$/.test(name));
}

test('docs/configuration.md is what node --import tsx docs/generate-configuration.ts writes', () => {
  expect(page).toBe(configurationDocument());
});

test('every variable that is declared or read is in the tables, and no other', () => {
  const whole = withOptional(core);
  const secrets = whole.functions.flatMap((one) => secretsOf(one).map(({ name }) => name));
  const read = [...appSettings(whole).map(({ name }) => name), ...secrets, ...lookedUp(), ...CREDENTIALS];
  expect(read.length).toBeGreaterThan(60);
  expect([...documented()].sort()).toEqual([...new Set(read)].sort());
});

test('functions read no variable that is not declared', () => {
  const found = sources('functions', 'shared').flatMap((text) =>
    [...text.matchAll(/env\[?\.?'?([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!),
  );
  const declared = appSettings(withOptional(core)).map(({ name }) => name);
  // PATH finds ffmpeg; the framework sets its target for the server
  expect([...new Set(found)].filter((name) => !declared.includes(name)).sort()).toEqual([
    'FUNCTION_TARGET',
    'PATH',
  ]);
});

test('a setting that is added shows, under the functions that read it', () => {
  const [video, ...others] = core.functions;
  const settings = {
    ...video!.settings,
    MAIL_FROM: text({ doc: 'sender: a | b' }),
    MAILS: integer({ min: 0, max: 9_999, default: 1_000, doc: 'mails a day' }),
  };
  const changed = configurationDocument(
    defineApp({ ...core, functions: [{ ...video!, settings, secrets: ['MAIL_API_KEY'] }, ...others] }),
  );
  const videos = changed.slice(changed.indexOf('\n## Videos\n'), changed.indexOf('\n## Events\n'));
  expect(videos).toContain('\n| `MAIL_FROM` | required | | sender: a \\| b |\n');
  expect(videos).toContain('\n| `MAILS` | 1,000 | 0 to 9,999 | mails a day |\n');
  expect(changed).toContain('\n| `MAIL_API_KEY` | `processVideo` | |\n');
});

test("another app's reference has its own buckets, and not the core's", () => {
  const images = { env: 'IMAGES_BUCKET', doc: 'uploaded images' };
  const document = configurationDocument(
    defineApp({ name: 'thumbnails', includes: [services], buckets: { images } }),
  );
  expect(document).toContain('\n| `IMAGES_BUCKET` | | uploaded images |\n');
  expect(document).toContain(
    '\n| `LAKE_BUCKET` | `ingestEvent`, `maintainTable`, `inspectDeadLetter` | the tables |\n',
  );
  expect(document).not.toMatch(/^\| `(RAW|FRAMES)_BUCKET` \|/m);
  expect(document).not.toContain('MOMENT_PROMPT');
});
