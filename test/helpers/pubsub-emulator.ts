import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../local/ports.ts';

/** Path of the official emulator's jar in the Cloud SDK; a reason if it, or java, is missing. */
export async function findPubsubEmulator(): Promise<{ jar: string } | { missing: string }> {
  const run = promisify(execFile);
  try {
    await run('java', ['-version']);
  } catch {
    return { missing: 'java is not installed' };
  }
  try {
    const { stdout } = await run('gcloud', ['info', '--format=value(installation.sdk_root)']);
    const folder = join(stdout.trim(), 'platform', 'pubsub-emulator', 'lib');
    const jar = existsSync(folder)
      ? (await readdir(folder)).find((name) => name.endsWith('.jar'))
      : undefined;
    if (jar !== undefined) return { jar: join(folder, jar) };
    return { missing: 'the Cloud SDK has no component pubsub-emulator' };
  } catch {
    return { missing: 'the Cloud SDK (gcloud) is not installed' };
  }
}

/** Runs it on a loopback port, as `gcloud beta emulators pubsub start` does; `stop` ends the process. */
export async function startPubsubEmulator(jar: string): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn('java', ['-jar', jar, '--host=127.0.0.1', `--port=${port}`], { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  for (let tries = 0; tries < 600; tries++) {
    const up = await fetch(`${url}/v1/projects/local/topics`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) return { url, stop };
    await delay(100);
  }
  await stop();
  throw new Error('the Pub/Sub emulator did not answer within 60 s');
}
