import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderLock {
  /** Identifies the holder: `GET /_health` returns it. */
  readonly token: string;
  /** Records the holder's address. */
  hold(url: string): void;
  release(): void;
}

/**
 * Two servers on one folder would overwrite each other. Throws if the server named in the folder's lock file still
 * answers; a lock left by a killed process is taken over.
 */
export async function lockFolder(dir: string): Promise<FolderLock> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'server.json');
  const holder = readHolder(file);
  if (holder && (await answers(holder.url, holder.token))) {
    throw new Error(
      `${dir} is in use by the server at ${holder.url}: stop that server or choose another folder`,
    );
  }
  const token = randomUUID();
  return {
    token,
    hold: (url) => writeFileSync(file, JSON.stringify({ url, token })),
    release: () => rmSync(file, { force: true }),
  };
}

function readHolder(file: string): { url: string; token: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function answers(url: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/_health`, {
      signal: AbortSignal.timeout(1_000),
      headers: { connection: 'close' },
    });
    return ((await response.json()) as { token?: string }).token === token;
  } catch {
    return false;
  }
}
