import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { core } from '../../functions/app.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { CopyError, checkOut } from '../../local/copy-out.ts';
import { mistypedSettings } from '../../local/function-settings.ts';
import { chooseGemini } from '../../local/gemini-choice.ts';
import { placeFault } from '../../local/make-folder.ts';
import { type ProcessedFile, processFile } from '../../local/process-files.ts';
import { describeResult, stagePrinter } from '../../local/report.ts';
import { printable } from '../../local/terminal-text.ts';
import { UploadTracker } from '../../local/uploads.ts';
import { Failure } from '../common/options.ts';
import { Output, OutputClosed } from '../common/output.ts';

export interface ProcessOptions {
  files: string[];
  metadata: Record<string, string>;
  settings: Record<string, string>;
  out: string;
  json: boolean;
}

/** Processes the files in a local cloud of their own and prints each result. Returns the exit code. */
export async function processFiles({
  files,
  metadata,
  settings,
  out: folder,
  json,
}: ProcessOptions): Promise<number> {
  const out = new Output(process.stdout, process.env);
  // with --json, standard output is the result alone; `out.end` reports lost output
  const show = (line: string): void => {
    if (json) process.stderr.write(`${line}\n`);
    else out.line(line).catch(() => undefined);
  };
  let dir: string | undefined;
  let cloud: LocalCloud | undefined;
  const cleanUp = async (): Promise<void> => {
    await cloud?.close();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void cleanUp().finally(() => process.exit(code)));
  }
  // otherwise a function on a full disk would be retried for minutes
  let onTrouble: (error: unknown) => void = () => undefined;
  const trouble = new Promise<never>((_, reject) => {
    onTrouble = reject;
  });
  trouble.catch(() => undefined);
  try {
    await checkOut(folder);
    dir = await mkdtemp(join(tmpdir(), 'pipeline-'));
    const tracker = new UploadTracker(stagePrinter(show));
    for (const line of mistypedSettings(core, process.env)) process.stderr.write(`${printable(line)}\n`);
    cloud = await startLocalCloud({
      dir,
      env: settings,
      shell: { LOG_LEVEL: 'debug', ...process.env },
      gemini: chooseGemini(process.env),
      only: ['processVideo'],
      events: { ...tracker.events, onTrouble },
    });
    const results: ProcessedFile[] = [];
    for (const [index, file] of files.entries()) {
      const name = uniqueName(files, index);
      const work = processFile(cloud, tracker, file, { name, metadata, out: folder });
      const result = await Promise.race([work, trouble]);
      results.push(result);
      if (!json) for (const line of describeResult(result)) show(line);
    }
    if (json) await out.json(results);
    await out.end();
    const good = results.every(({ manifest }) => manifest && manifest.outcome !== 'rejected');
    return good ? 0 : 1;
  } catch (error) {
    if (error instanceof OutputClosed) return 0;
    throw inWords(error);
  } finally {
    await cleanUp();
  }
}

/** Explains in one line which place cannot be written, and why: the user has to fix that. */
function inWords(error: unknown): unknown {
  if (error instanceof CopyError) return new Failure(`--out ${printable(error.message)}`, { cause: error });
  const why = placeFault(error);
  if (why === undefined) return error;
  return new Failure(`cannot write to the temporary folder ${printable(tmpdir())}: ${why}`, {
    cause: error,
  });
}

/** Object name for a file: its base name, prefixed with a number if an earlier file has the same. */
function uniqueName(files: string[], index: number): string {
  const names = files.map((file) => file.slice(file.lastIndexOf('/') + 1));
  const name = names[index]!;
  return names.indexOf(name) === index ? name : `${index + 1}-${name}`;
}
