import { secretsOf } from '../../shared/app/app-settings.ts';
import type { LoadedApp } from '../../shared/app/load-app.ts';
import { counted } from '../../shared/core/counted.ts';
import type { Say } from '../apply.ts';
import { Cloud } from '../cloud.ts';
import type { Context } from '../context.ts';
import type { Gcloud } from '../gcloud.ts';
import { Names } from '../names.ts';
import type { Options } from '../options.ts';
import { checkGcloud, findProject } from '../preflight.ts';
import { secretsHere } from '../secrets.ts';
import { describeSource, listSource, ROOT } from '../source.ts';
import { configurationOf, type Found, MARK } from './configuration.ts';
import { checkFolder, writeFolder } from './folder.ts';
import { archivesOf, type Import, importsOf } from './imports.ts';
import { readmeOf } from './readme.ts';
import { zipOf } from './zip.ts';

interface Written extends Pick<Context, 'app' | 'options' | 'settings' | 'source'> {
  loaded: LoadedApp;
  gcloud: Gcloud;
  out: string;
  env: NodeJS.ProcessEnv;
}

/** Writes the deployment as Terraform into the folder. Asks Google only about what exists, if that is needed. */
export async function writeTerraform(given: Written, say: Say): Promise<void> {
  const { out, options, source, loaded, gcloud } = given;
  checkFolder(out);
  say(describeSource(source));
  const here = options.imports || hasOptionalSecrets(given) ? await contextOf(given) : undefined;
  const found = here === undefined ? {} : await foundIn(here, options);
  const { resources, main, names } = await configurationOf(given, loaded, found);
  const blocks = here !== undefined && options.imports ? await importsOf(resources, here, names) : undefined;
  const { files } = await listSource(gcloud, loaded);
  writeFolder(out, {
    'main.tf.json': json(main),
    ...(blocks && { 'imports.tf.json': json({ '//': MARK, import: blocks }) }),
    'source.zip': await zipOf(files, ROOT),
    'README.md': readmeOf(given, blocks !== undefined),
  });
  say(`${counted(resources.length, 'resource')}${shownImports(blocks)} written to ${out}: see its README.md`);
}

const shownImports = (blocks: readonly Import[] | undefined): string =>
  blocks === undefined ? '' : `, ${blocks.length} of them to import,`;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const hasOptionalSecrets = ({ app }: Pick<Context, 'app'>): boolean =>
  app.functions.flatMap(secretsOf).some(({ required }) => !required);

/** The project as it is. */
async function contextOf({ app, options, settings, source, gcloud, env }: Written): Promise<Context> {
  const alertCommands = await checkGcloud(gcloud);
  const projectNumber = await findProject({ app, gcloud, options, env });
  const { project, region, prefix } = options;
  const names = new Names({ project, region, prefix, projectNumber });
  return { app, options, settings, source, names, cloud: new Cloud(gcloud, names.place, alertCommands) };
}

async function foundIn(context: Context, { imports }: Options): Promise<Found> {
  return {
    optionalSecrets: new Set((await secretsHere(context)).map(({ name }) => name)),
    ...(imports && { archives: await archivesOf(context) }),
  };
}
