import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/**
 * The licences of the packages that a bundle contains, with their texts: minified code has lost them.
 * @param root folder of `node_modules`
 */
export function noticesOf({ outputs }: Metafile, root: string): string {
  const sources = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const packages = new Set(sources.flatMap((source) => packageOf(source) ?? []));
  const parts = [...packages].sort().map((path) => noticeOf(join(root, path)));
  return `This bundle contains the following packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** `node_modules/@google-cloud/storage` of a source below it; undefined for our own. */
function packageOf(source: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1];
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const texts = files
    .filter((file) => /^(licen[cs]e|notice|copying)(\.|-|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return `${[`${name} ${version}: ${license ?? 'see below'}`, ...texts].join('\n\n')}\n`;
}
