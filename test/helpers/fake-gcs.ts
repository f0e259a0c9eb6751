import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../local/ports.ts';

const VERSION = 'v1.56.1';

/** Path of the fake-gcs-server binary, built once into a cache folder; a reason if it is not available. */
export async function findFakeGcs(): Promise<{ path: string } | { missing: string }> {
  const folder = join(tmpdir(), 'pipeline-test-tools', `fake-gcs-server-${VERSION}`);
  const path = join(folder, 'fake-gcs-server');
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  try {
    const env = { ...process.env, GOBIN: folder };
    await promisify(execFile)('go', ['install', `github.com/fsouza/fake-gcs-server@${VERSION}`], {
      env,
      timeout: 280_000,
    });
    return { path };
  } catch (error) {
    return {
      missing: `fake-gcs-server ${VERSION} could not be built with go: ${String(error).slice(0, 200)}`,
    };
  }
}

/** Runs it in memory on a loopback port; `stop` ends the process. */
export async function startFakeGcs(path: string): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-backend', 'memory'];
  const child = spawn(
    path,
    [...options, '-public-host', `127.0.0.1:${port}`, '-external-url', url, '-log-level', 'error'],
    {
      stdio: 'ignore',
    },
  );
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  for (let tries = 0; tries < 100; tries++) {
    const up = await fetch(`${url}/storage/v1/b?project=local`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) return { url, stop };
    await delay(50);
  }
  await stop();
  throw new Error('fake-gcs-server did not answer within 5 s');
}
