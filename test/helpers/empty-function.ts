import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline/', import.meta.url));

const CODE = {
  cloudevent:
    "import { cloudEvent } from '@google-cloud/functions-framework';\ncloudEvent('empty', async (_event) => {});\n",
  http: "import { http } from '@google-cloud/functions-framework';\nhttp('empty', (_request, response) => void response.end());\n",
};

/** A function named `empty` that does nothing, to measure the framework itself. */
export async function emptyFunction(
  signature: keyof typeof CODE = 'cloudevent',
): Promise<{ dir: string; remove(): Promise<void> }> {
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(cache);
  await writeFile(`${dir}/package.json`, JSON.stringify({ type: 'module', main: 'index.js' }));
  await writeFile(`${dir}/index.js`, CODE[signature]);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
