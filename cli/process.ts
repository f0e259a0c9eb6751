import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalCloud, startLocalCloud } from '../local/cloud.ts';
import { CopyError, checkOut } from '../local/copy-out.ts';
import { chooseGemini } from '../local/gemini-choice.ts';
import { placeFault } from '../local/make-folder.ts';
import { type ProcessedFile, processFile } from '../local/process-files.ts';
import { describeResult, stagePrinter } from '../local/report.ts';
import { printable } from '../local/terminal-text.ts';
import { UploadTracker } from '../local/uploads.ts';
import { Failure } from './common/options.ts';
import { Output, OutputClosed } from './common/output.ts';
import { showHelp } from './common/run.ts';
import type { Command } from './main.ts';

const HELP = `usage: pipeline process <files...> [options]

Runs videos through the pipeline on this machine, once, and copies out what comes of them.

  --moment TEXT      what to look for (default: MOMENT_PROMPT)
  --max-moments N    at most this many frames a video, 1 to 20 (default 1)
  --contact-sheet    also make a sheet of each moment's neighbourhood
  --out DIR          folder for frames and manifests (default frames)
  --json             print one JSON array of the results, and nothing else, on standard output
  --help             this text

Exit code: 0 all were framed or have no such moment, 1 something was rejected or failed, 2 wrong usage.
`;

interface Options {
  files: string[];
  metadata: Record<string, string>;
  settings: Record<string, string>;
  out: string;
  json: boolean;
}

export const processCommand: Command = {
  summary: 'finds the moment in videos and takes its frame',
  async run(args) {
    const options = parse(args);
    if (options === 'help') {
      return showHelp(HELP, process);
    }
    if (typeof options === 'string') {
      process.stderr.write(`${printable(options)}\n\n${HELP}`);
      return 2;
    }
    return processAll(options);
  },
};

function parse(args: string[]): Options | string {
  try {
    const { values, positionals: files } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        moment: { type: 'string' },
        'max-moments': { type: 'string' },
        'contact-sheet': { type: 'boolean', default: false },
        out: { type: 'string', default: 'frames' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    if (files.length === 0) return 'no files given';
    const wrong = files.find((file) => !existsSync(file) || !statSync(file).isFile());
    if (wrong !== undefined) return `${printable(wrong)} is not a file`;
    const max = values['max-moments'];
    if (max !== undefined && !/^([1-9]|1[0-9]|20)$/.test(max)) {
      return `--max-moments is ${JSON.stringify(max)}; 1 to 20 are allowed`;
    }
    const metadata = { ...(values.moment !== undefined && { moment: values.moment }) };
    // Bounds, which metadata could not lift: whoever runs the command is the operator.
    const settings = {
      ...(max !== undefined && { MAX_MOMENTS: max }),
      ...(values['contact-sheet'] && { CONTACT_SHEET: 'true' }),
    };
    return { files, metadata, settings, out: values.out, json: values.json };
  } catch (error) {
    return (error as Error).message;
  }
}

async function processAll({ files, metadata, settings, out: folder, json }: Options): Promise<number> {
  const out = new Output(process.stdout, process.env);
  // Progress is for people: with --json standard output is the result alone. What it lost is said at the end.
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
  // a function would be tried again for minutes where there is no room for its results
  let onTrouble: (error: unknown) => void = () => undefined;
  const trouble = new Promise<never>((_, reject) => {
    onTrouble = reject;
  });
  trouble.catch(() => undefined);
  try {
    await checkOut(folder);
    dir = await mkdtemp(join(tmpdir(), 'pipeline-'));
    const tracker = new UploadTracker(stagePrinter(show));
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

/** A place that cannot be written is the user's to mend: one line says which and why. */
function inWords(error: unknown): unknown {
  if (error instanceof CopyError) return new Failure(`--out ${printable(error.message)}`, { cause: error });
  const why = placeFault(error);
  if (why === undefined) return error;
  return new Failure(`the temporary folder ${printable(tmpdir())} cannot be written: ${why}`, {
    cause: error,
  });
}

/** Object name of a file: its own, with a number before it where two files share one. */
function uniqueName(files: string[], index: number): string {
  const names = files.map((file) => file.slice(file.lastIndexOf('/') + 1));
  const name = names[index]!;
  return names.indexOf(name) === index ? name : `${index + 1}-${name}`;
}
