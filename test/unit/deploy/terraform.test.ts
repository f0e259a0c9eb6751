import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Context } from '../../../deploy/context.ts';
import { Names } from '../../../deploy/names.ts';
import { helpFor, parseOptions } from '../../../deploy/options.ts';
import { wantedTriggers } from '../../../deploy/parts/event-triggers.ts';
import { type Configuration, configurationOf } from '../../../deploy/terraform/configuration.ts';
import { checkFolder, writeFolder } from '../../../deploy/terraform/folder.ts';
import { MARK } from '../../../deploy/terraform/main-file.ts';
import { addressOf } from '../../../deploy/terraform/resource.ts';
import { zipOf } from '../../../deploy/terraform/zip.ts';
import { core } from '../../../functions/app.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import { withOptional } from '../../../shared/app/optional.ts';
import { EXAMPLES } from '../../helpers/examples.ts';
import { FULL } from '../../helpers/full-form.ts';
import { committedSchema, faultsOf } from '../../helpers/terraform-schema.ts';

const dir = mkdtempSync(join(tmpdir(), 'terraform-unit-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const PLACE = ['--project', 'demo-project', '--region', 'us-central1'];
const TERRAFORM = [...PLACE, '--format', 'terraform'];
const source = { files: 1, bytes: 1, hash: '0123456789abcdef', commit: 'none' };

async function written(
  appDir: string,
  args: string[] = [],
  settings: Record<string, string> = {},
): Promise<Configuration & { text: string }> {
  const loaded = await loadApp(appDir);
  const options = parseOptions([...TERRAFORM, '--out', dir, ...args], {}, loaded.app);
  const app = withOptional(loaded.app, options.optional);
  const given: Pick<Context, 'app' | 'options' | 'settings' | 'source'> = { app, options, settings, source };
  const made = await configurationOf(given, loaded);
  return { ...made, text: JSON.stringify(made.main) };
}

const KEY = 'projects/demo-project/locations/us-central1/keyRings/ring/cryptoKeys/key';
const MORE = [
  ...['--kms-key', KEY, '--audit-data-access'],
  ...['--notify', '42', '--raw-days', '30', '--storage-region', 'us-central1', '--max-instances', '2'],
  ...['--receive', '--audit-logs', 'storage.googleapis.com/storage.buckets.create'],
  ...['--object-deletions', 'raw', '--ticks', '0 * * * *'],
];

describe.each<[string, string[]]>([
  ['functions', []],
  ['functions', MORE],
  ...(FULL ? EXAMPLES : []).map((one): [string, string[]] => [one, []]),
])('main.tf.json of %s with %j', (appDir, args) => {
  test('is what the provider accepts', async () => {
    const { resources, main } = await written(appDir, args);
    const schema = committedSchema();
    const bodies = main['resource'] as Record<string, Record<string, unknown>>;
    const faults = resources.flatMap((one) => {
      if (one.type === 'terraform_data') return [];
      const block = schema.resources[one.type];
      return block === undefined
        ? [`${one.type} is not in the schema`]
        : faultsOf(bodies[one.type]?.[one.name], block, addressOf(one));
    });
    expect(faults).toEqual([]);
  });

  test('refers to resources that it declares, and names each once', async () => {
    const { resources, text, main } = await written(appDir, args);
    const known = new Set(resources.map(addressOf));
    expect(known.size).toBe(resources.length);
    const named = [...text.matchAll(/(?<!data\.)\b(?:google|terraform)_\w+\.\w+(?=[."\]}])/g)].map(
      ([one]) => one,
    );
    expect(
      [...new Set(named)].filter((one) => !known.has(one) && !one.startsWith('google_project.')),
    ).toEqual([]);
    expect(Object.keys(main)).toEqual([
      '//',
      'terraform',
      'provider',
      'variable',
      'data',
      'resource',
      'output',
    ]);
    expect(text).not.toMatch(/[\uE000\uE001]/);
  });
});

test('a setting that looks like a template stays a text', async () => {
  const { main } = await written('functions', [], { GEMINI_MODEL: 'a$'.concat('{b}%{c}') });
  const { google_cloudfunctions2_function: made } = main['resource'] as Record<
    string,
    Record<string, unknown>
  >;
  expect(made?.['process_video']).toMatchObject({
    service_config: { environment_variables: { GEMINI_MODEL: 'a$$'.concat('{b}%%{c}') } },
  });
});

test('triggers have the names that the other way to deploy gives them', async () => {
  const { resources } = await written('functions', ['--object-deletions', 'raw']);
  const options = parseOptions([...PLACE, '--object-deletions', 'raw'], {}, core);
  const names = new Names({
    project: 'demo-project',
    projectNumber: '1',
    region: 'us-central1',
    prefix: 'pipeline',
  });
  const wanted = withOptional(core, options.optional).functions.flatMap((one) => wantedTriggers(one, names));
  const made = resources.filter(({ type }) => type === 'google_eventarc_trigger');
  expect(made.length).toBe(wanted.length);
  expect(made.length).toBeGreaterThan(0);
  const evaluated = made.map(({ body }) =>
    String(body['name'])
      .replace(
        /\uE000google_cloudfunctions2_function\.(\w+)\.name\uE001/,
        (_, slug: string) => `pipeline-${slug.replaceAll('_', '')}`,
      )
      .replace(/\uE000substr\(sha256\("(.*)"\), 0, 8\)\uE001$/, (_, quoted: string) => {
        const text = quoted
          .replaceAll('\\"', '"')
          .replace(/\$\{google_storage_bucket\.raw\.name\}/, 'demo-project-pipeline-raw');
        return createHash('sha256').update(text).digest('hex').slice(0, 8);
      }),
  );
  expect(evaluated.sort()).toEqual(wanted.map(({ name }) => name).sort());
});

test('keys that would be one name in Terraform are refused', async () => {
  const loaded = await loadApp('functions');
  const doc = { doc: 'archives', env: 'ARCHIVES_BUCKET' };
  const app = { ...loaded.app, buckets: { ...loaded.app.buckets, 'tf-sources': doc } };
  const options = parseOptions([...TERRAFORM, '--out', dir], {}, app);
  await expect(configurationOf({ app, options, settings: {}, source }, loaded)).rejects.toThrow(
    'two resources would be google_storage_bucket.tf_sources in Terraform: rename one of them in the app',
  );
});

test('no secret value, and no project but as a variable', async () => {
  const { main } = await written('functions');
  expect(JSON.stringify(main['resource'])).not.toContain('demo-project');
});

describe('wrong use', () => {
  test.each<[string, string[], RegExp]>([
    [
      'another format',
      [...PLACE, '--format', 'pulumi'],
      /--format must be one of gcloud, terraform, got "pulumi"/,
    ],
    ['no folder', TERRAFORM, /--format terraform needs --out, the folder to write/],
    ['an empty folder name', [...TERRAFORM, '--out', ''], /--format terraform needs --out/],
    ['a folder for nothing', [...PLACE, '--out', 'x'], /--out needs --format terraform/],
    ['an import for nothing', [...PLACE, '--import'], /--import needs --format terraform/],
    [
      'verifying',
      [...TERRAFORM, '--out', 'x', '--verify'],
      /--verify and --format terraform cannot be combined/,
    ],
    [
      'a dry run',
      [...TERRAFORM, '--out', 'x', '--dry-run'],
      /--dry-run and --format terraform cannot be combined/,
    ],
    [
      'a smoke test',
      [...TERRAFORM, '--out', 'x', '--smoke'],
      /--smoke uploads a clip: it needs a deployment/,
    ],
    [
      'one function',
      [...TERRAFORM, '--out', 'x', '--only', 'ingestEvent'],
      /--only and --format terraform cannot be combined/,
    ],
  ])('%s', (_name, args, told) => {
    expect(() => parseOptions(args, {}, core)).toThrow(told);
  });

  test("somebody's folder is left alone; ours is written again, and its other files stay", () => {
    const folder = join(dir, 'out');
    checkFolder(folder);
    writeFolder(folder, { 'main.tf.json': JSON.stringify({ '//': MARK }), 'imports.tf.json': '{}' });
    writeFileSync(join(folder, 'terraform.tfstate'), 'state');
    checkFolder(folder);
    writeFolder(folder, { 'main.tf.json': JSON.stringify({ '//': MARK }), 'README.md': '#' });
    expect(existsSync(join(folder, 'imports.tf.json'))).toBe(false);
    expect(readFileSync(join(folder, 'terraform.tfstate'), 'utf8')).toBe('state');
    writeFileSync(join(folder, 'main.tf.json'), '{}');
    expect(() => checkFolder(folder)).toThrow(
      /--out must be a new or empty folder, .* got ".*out", which holds \w+/,
    );
    expect(() => checkFolder(join(folder, 'main.tf.json'))).toThrow(/--out must be a folder, got/);
  });

  test('the help names the options', () => {
    expect(helpFor(core)).toMatch(/--format FORMAT[\s\S]*--out DIR[\s\S]*--import/);
  });
});

test('the same files make the same archive, whose checksums are right', async () => {
  writeFileSync(join(dir, 'nine'), '123456789');
  const archive = await zipOf(['nine'], dir);
  expect(archive).toEqual(await zipOf(['nine'], dir));
  // the check value of this checksum: https://reveng.sourceforge.io/crc-catalogue/17plus.htm
  expect(archive.readUInt32LE(14)).toBe(0xcbf43926);
  expect(archive.subarray(30, 34).toString()).toBe('nine');
});
