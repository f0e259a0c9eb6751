import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalCloud, startLocalCloud } from '../local/cloud.ts';
import { chooseGemini } from '../local/gemini-choice.ts';
import { type ProcessedFile, processFile } from '../local/process-files.ts';
import { describeResult, printable, stagePrinter } from '../local/report.ts';
import { UploadTracker } from '../local/uploads.ts';
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
      process.stdout.write(HELP);
      return 0;
    }
    if (typeof options === 'string') {
      process.stderr.write(`${options}\n\n${HELP}`);
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

async function processAll({ files, metadata, settings, out, json }: Options): Promise<number> {
  // Progress is for people: with --json standard output is the result alone.
  const show = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const dir = await mkdtemp(join(tmpdir(), 'pipeline-'));
  let cloud: LocalCloud | undefined;
  const cleanUp = async (): Promise<void> => {
    await cloud?.close();
    await rm(dir, { recursive: true, force: true });
  };
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void cleanUp().finally(() => process.exit(code)));
  }
  try {
    const tracker = new UploadTracker(stagePrinter(show));
    cloud = await startLocalCloud({
      dir,
      env: { LOG_LEVEL: 'debug', ...process.env, ...settings },
      gemini: chooseGemini(process.env),
      only: ['processVideo'],
      events: tracker.events,
    });
    const results: ProcessedFile[] = [];
    for (const [index, file] of files.entries()) {
      const name = uniqueName(files, index);
      const result = await processFile(cloud, tracker, file, { name, metadata, out });
      results.push(result);
      if (!json) for (const line of describeResult(result)) show(line);
    }
    if (json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
    const good = results.every(({ manifest }) => manifest && manifest.outcome !== 'rejected');
    return good ? 0 : 1;
  } finally {
    await cleanUp();
  }
}

/** Object name of a file: its own, with a number before it where two files share one. */
function uniqueName(files: string[], index: number): string {
  const names = files.map((file) => file.slice(file.lastIndexOf('/') + 1));
  const name = names[index]!;
  return names.indexOf(name) === index ? name : `${index + 1}-${name}`;
}
