import { existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseImageForm } from '../../functions/video/image-forms.ts';
import { printable } from '../../local/terminal-text.ts';
import type { Command } from '../common/command.ts';
import { showHelp } from '../common/run.ts';
import type { ProcessOptions } from './process-files.ts';

const HELP = `usage: pipeline process <files...> [options]

Processes videos on this machine, once, and copies the results out.

  --moment TEXT      what to look for (default: MOMENT_PROMPT)
  --max-moments N    at most this many frames a video, 1 to 20 (default 1)
  --contact-sheet    also make a sheet of each moment's neighbourhood
  --preview          also make an animation of the two seconds around each moment
  --clip SECONDS     also cut a clip of at most this length around each moment, up to 60
  --format LIST      formats of each frame, at most 4: png, jpeg, webp or avif, each with an optional maximum width,
                     such as webp@320,png (default: FRAME_FORMAT); the first is the frame, the others are copies
  --width N          maximum width of the formats that have none, 16 to 16384 (default: FRAME_WIDTH)
  --out DIR          folder for frames and manifests (default frames)
  --json             print one JSON array of the results, and nothing else, on standard output
  --help             show this help

Exit code: 0 all were framed or have no such moment, 1 something was rejected or failed, 2 wrong usage.
`;

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
    // imported on demand: it loads the local cloud, which is slow
    const { processFiles } = await import('./process-files.ts');
    return processFiles(options);
  },
};

function parse(args: string[]): ProcessOptions | string {
  try {
    const { values, positionals: files } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        moment: { type: 'string' },
        'max-moments': { type: 'string' },
        'contact-sheet': { type: 'boolean', default: false },
        preview: { type: 'boolean', default: false },
        clip: { type: 'string' },
        format: { type: 'string' },
        width: { type: 'string' },
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
      return `--max-moments must be 1 to 20, got ${JSON.stringify(max)}`;
    }
    const { width, clip } = values;
    if (
      clip !== undefined &&
      !(/^\d{1,2}(\.\d{1,3})?$/.test(clip) && Number(clip) > 0 && Number(clip) <= 60)
    ) {
      return `--clip must be above 0 and at most 60, got ${JSON.stringify(clip)}`;
    }
    if (
      width !== undefined &&
      !(/^[1-9]\d{1,4}$/.test(width) && Number(width) >= 16 && Number(width) <= 16_384)
    ) {
      return `--width must be 16 to 16384, got ${JSON.stringify(width)}`;
    }
    const words = values.format?.split(',');
    const wrongForm = words?.find((word) => parseImageForm(word) === undefined);
    if (wrongForm !== undefined) {
      return `--format must be png, jpeg, webp or avif, such as webp@320,png, got ${JSON.stringify(wrongForm)}`;
    }
    const metadata = {
      ...(values.moment !== undefined && { moment: values.moment }),
      ...(values.format !== undefined && { formats: values.format }),
    };
    // settings, not metadata: metadata cannot raise limits, and the user of this command is the operator
    const settings = {
      ...(max !== undefined && { MAX_MOMENTS: max }),
      ...(values['contact-sheet'] && { CONTACT_SHEET: 'true' }),
      ...(values.preview && { PREVIEW: 'true' }),
      ...(clip !== undefined && { CLIP_SECONDS: clip }),
      ...(width !== undefined && { FRAME_WIDTH: width }),
    };
    return { files, metadata, settings, out: values.out, json: values.json };
  } catch (error) {
    return (error as Error).message;
  }
}
