import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export interface PageFile {
  type: string;
  body: Buffer;
  gzip: Buffer;
}

const PAGE = fileURLToPath(new URL('./page/', import.meta.url));

/**
 * The page's files by path, built from their sources when the page is first asked for. esbuild and Preact are
 * development packages: the console runs from a checkout, as `npm start` does, and is never deployed.
 */
export async function buildPage(folder = PAGE): Promise<ReadonlyMap<string, PageFile>> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: { app: `${folder}main.tsx`, style: `${folder}style.css` },
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'inline',
    logLevel: 'silent',
  });
  const files = new Map<string, PageFile>();
  for (const { path, contents } of outputFiles) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const type = name.endsWith('.css') ? 'text/css' : 'text/javascript';
    files.set(name, fileOf(type, Buffer.from(contents)));
  }
  files.set('', fileOf('text/html', await readFile(`${folder}index.html`)));
  files.set('icon.svg', fileOf('image/svg+xml', await readFile(`${folder}icon.svg`)));
  return files;
}

function fileOf(type: string, body: Buffer): PageFile {
  return { type: `${type}; charset=utf-8`, body, gzip: gzipSync(body, { level: 9 }) };
}
