import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { appFolder, openApp } from '../cli/common/app.ts';
import { UsageError } from '../cli/common/options.ts';
import { bothEvents, Feed } from '../console/feed.ts';
import { type Console, startConsole } from '../console/server.ts';
import { type App, functionNamed } from '../shared/app/define-app.ts';
import type { LoadedApp } from '../shared/app/load-app.ts';
import { givenOptions, optionHelp, optionTypes, withOptional } from '../shared/app/optional.ts';
import { AppWork, howToFire, sourcesOf } from './app-work.ts';
import { type LocalCloud, type Ports, startLocalCloud, TOPICS } from './cloud.ts';
import { complainOnce } from './complain-once.ts';
import { CopyError, type CopyOptions, checkOut } from './copy-out.ts';
import { runDemo } from './demo.ts';
import { mistypedSettings, settingsOfFile } from './function-settings.ts';
import { chooseGemini } from './gemini-choice.ts';
import { loadHook } from './hook.ts';
import { letterLines } from './letter-lines.ts';
import { placeFault, removeEmpty } from './make-folder.ts';
import { makePrivateFolder } from './private-folder.ts';
import { lockFolder, type StateLock } from './state-lock.ts';
import { escapeText, inOneLine, printable } from './terminal-text.ts';
import { VideoWork } from './video-work.ts';
import type { Work } from './work.ts';

const HELP = `Runs the whole pipeline on this machine: Cloud Storage, Eventarc, Vertex AI and the functions.

  npm start                        makes a short clip, uploads it, and keeps running
  npm start -- a.mp4 b.mov         uploads these instead
  npm start -- --app DIR           runs another app, and its demo if it has one
  npm start -- --app DIR FILES     runs another app, and uploads the files to the bucket that triggers its functions

Options (after --):
  --app DIR           folder of the app to run (default: the core app, functions)
  --bucket KEY        the bucket that files are uploaded to (default: the only one that triggers a function)
  --moment TEXT       what to look for in the given files
  --max-moments N     at most this many frames a video (default 1)
  --out DIR           where frames and manifests are copied to (default frames)
  --dir DIR           where the local cloud keeps its data (default .local)
  --gcs-port N        port of Cloud Storage (default: a free one)
  --pubsub-port N     port of Pub/Sub (default: a free one)
  --pubsub URL        a Pub/Sub that is already running, such as the official emulator, instead of our own
  --push-anywhere     Pub/Sub subscriptions may push to other machines (default: only to this one)
  --vertex-port N     port of Vertex AI (default: a free one)
  --function-port N   port of the app's first function (default: a free one)
  --gemini local|real which model answers (default: real if GOOGLE_CLOUD_PROJECT and application default credentials are set)
  --attempts N        deliveries before an event becomes a dead letter (default: 5 to 20, as deployed for each function)
  --settings FILE     NAME=value lines for the functions, such as deploy.env; they override the environment
  --exit              end when the files or the demo are done
  --help              show this help
OPTIONAL
Settings that functions declare (docs/configuration.md) are read from the environment too; no others are.`;

const DEMO_SETTINGS = { CONTACT_SHEET: 'true', CLIP_SECONDS: '2' };

const DEFAULT_DIR = fileURLToPath(new URL('../.local', import.meta.url));

const print = (line = ''): void => void process.stdout.write(`${escapeText(line)}\n`);

const complain = (line: string): void => void process.stderr.write(`${line}\n`);

/** Interval of checks that the folder still exists, in ms. */
const WATCH_MS = 1_000;

function usage(message: string, help = HELP.replace('OPTIONAL', '')): never {
  process.stderr.write(`${message}\n\n${help}\n`);
  process.exit(2);
}

/** The app's own options are known only when it is loaded. */
function helpFor(app: App): string {
  const lines = optionHelp(app);
  return HELP.replace(
    'OPTIONAL',
    lines.length === 0 ? '' : ['', 'Functions that run only on request:', ...lines, ''].join('\n'),
  );
}

function appOption(): string | undefined {
  const { app } = parseArgs({ strict: false, options: { app: { type: 'string' } } }).values;
  return typeof app === 'string' ? app : undefined;
}

function parse(app: App) {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...(optionTypes(app) as Record<never, { type: 'string' }>),
        app: { type: 'string' },
        bucket: { type: 'string' },
        moment: { type: 'string' },
        'max-moments': { type: 'string' },
        out: { type: 'string', default: 'frames' },
        dir: { type: 'string', default: DEFAULT_DIR },
        'gcs-port': { type: 'string' },
        'pubsub-port': { type: 'string' },
        pubsub: { type: 'string' },
        'push-anywhere': { type: 'boolean', default: false },
        'vertex-port': { type: 'string' },
        'function-port': { type: 'string' },
        gemini: { type: 'string' },
        settings: { type: 'string' },
        attempts: { type: 'string' },
        exit: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage((error as Error).message, helpFor(app));
  }
}

/** The app with what the options add to it. */
function chosenApp({ app, dir }: LoadedApp, values: Values): LoadedApp {
  try {
    return { app: withOptional(app, givenOptions(app, values)), dir };
  } catch (error) {
    if (error instanceof TypeError) return usage(error.message, helpFor(app));
    throw error;
  }
}

function port(option: string, text: string | undefined): number | undefined {
  return whole(option, text, 65_535, 'a port');
}

function whole(option: string, text: string | undefined, max: number, what: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  return usage(`--${option} must be ${what} from 1 to ${max}, got ${JSON.stringify(text)}`);
}

async function main(): Promise<void> {
  const declared = await openApp(appFolder(appOption(), undefined, process.env));
  const { values, positionals: files } = parse(declared.app);
  if (values.help) return print(helpFor(declared.app));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) usage(`no such file: ${missing.map(printable).join(', ')}`);
  if (values.gemini !== undefined && values.gemini !== 'local' && values.gemini !== 'real') {
    usage(`--gemini must be local or real, got ${JSON.stringify(values.gemini)}`);
  }
  if (values.pubsub !== undefined && !/^https?:\/\//.test(values.pubsub)) {
    usage(`--pubsub must be a URL such as http://127.0.0.1:8085, got ${JSON.stringify(values.pubsub)}`);
  }
  if (values.pubsub !== undefined && values['pubsub-port'] !== undefined) {
    usage('--pubsub and --pubsub-port cannot be combined');
  }
  const loaded = chosenApp(declared, values);
  checkUpload(loaded.app, values, files);
  const { services, demo } = await loadHook(loaded.dir);
  for (const line of mistypedSettings(loaded.app, process.env)) complain(line);
  const ports = portsOf(values, loaded.app);
  const maxDeliveryAttempts = whole('attempts', values.attempts, 100, 'a number');
  const maxMoments = whole('max-moments', values['max-moments'], 20, 'a number');
  const gemini = values.gemini ?? chooseGemini(process.env);
  const dir = resolve(values.dir);
  const place = placeOf(dir);
  // its files are private, except for the copies, which are the user's
  const copies: CopyOptions = { mask: process.umask(0o077) };
  const lock = takeFolder(dir);
  const feed = new Feed();
  let cloud: LocalCloud | undefined;
  let shown: Console | undefined;
  let ending: Promise<void> | undefined;
  const ended = new AbortController();
  const end = (code: number): void => {
    ending ??= (async () => {
      ended.abort(new Error('the local cloud is ending'));
      await shown?.close();
      await cloud?.close().catch(() => undefined);
      lock.release();
      process.exit(code);
    })();
  };
  const fail = (error: unknown): void => {
    if (!ending) complain(inOneLine(error));
    end(1);
  };
  process.on('SIGINT', () => end(130));
  process.on('SIGTERM', () => end(143));
  process.on('exit', () => lock.release());
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // the reader closed the pipe, as head does
    if (error.code === 'EPIPE') return end(0);
    fail(new Error(`cannot write to standard output: ${placeFault(error) ?? error.message}`));
  });
  const watch = setInterval(() => {
    if (!lock.isHeld())
      fail(new Error(`${dir} was removed or taken over while the local cloud was running in it`));
  }, WATCH_MS);
  watch.unref();
  const work = await workOf(loaded.app, values, copies);
  cloud = await startLocalCloud({
    app: loaded,
    dir,
    // the demo shows what an upload can get
    shell: { LOG_LEVEL: 'debug', ...(files.length === 0 && DEMO_SETTINGS), ...process.env },
    env: {
      ...settingsOfFile(values.settings),
      // a limit that metadata cannot raise: the user who starts the cloud is its operator
      ...(maxMoments !== undefined && { MAX_MOMENTS: String(maxMoments) }),
    },
    gemini,
    ports,
    ...(services && { services }),
    pushAnywhere: values['push-anywhere'],
    ...(maxDeliveryAttempts !== undefined && { maxDeliveryAttempts }),
    ...(values.pubsub !== undefined && { pubsubUrl: values.pubsub }),
    events: bothEvents(feed.events, {
      ...work.events,
      onTrouble: complainOnce(dir, complain),
      onFunctionLine: (name, line) => {
        work.events.onFunctionLine?.(name, line);
        for (const one of letterLines(line, place)) print(one);
      },
    }),
  });
  if (ending) return;
  // its functions are in the folder's endpoints, not in the environment
  if (!values.exit) shown = await startConsole({ local: dir, cloud: false }, {}, { feed });
  printEndpoints(cloud, gemini, dir, shown?.url);

  const isGood =
    demo && files.length === 0
      ? await runDemo(demo, cloud, { print, complain, signal: ended.signal })
      : await work.run(cloud, files);
  if (ending) return;
  if (values.exit) return end(isGood ? 0 : 1);
  for (const line of work.next(cloud)) print(line);
  for (const line of optionalLines(loaded.app, declared.app, cloud)) print(line);
  if (Object.hasOwn(loaded.app.topics, TOPICS.deadLetters)) print(`  npx pipeline dlq list${place}`);
  print('Ctrl-C ends it.');
}

/** Commands that fire the functions that options have added. */
function optionalLines({ functions }: App, declared: App, { endpoints }: LocalCloud): string[] {
  const usual = new Set(declared.functions);
  return functions.filter((one) => !usual.has(one)).flatMap((one) => howToFire(one, endpoints));
}

/** Options with which the pipeline command finds the cloud in this folder: none for the default folder. */
function placeOf(dir: string): string {
  if (dir === DEFAULT_DIR) return '';
  return ` --local ${/^[\w./@+-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", "'\\''")}'`}`;
}

function portsOf(values: Values, { functions: [first] }: App): Ports {
  const gcs = port('gcs-port', values['gcs-port']);
  const pubsub = port('pubsub-port', values['pubsub-port']);
  const vertex = port('vertex-port', values['vertex-port']);
  const own = port('function-port', values['function-port']);
  return {
    ...(gcs !== undefined && { gcs }),
    ...(pubsub !== undefined && { pubsub }),
    ...(vertex !== undefined && { vertex }),
    ...(own !== undefined && first && { functions: { [first.name]: own } }),
  };
}

type Values = ReturnType<typeof parse>['values'];

/** Handling of the files: videos are followed to their manifests, uploads of any other app to their end. */
async function workOf(app: App, values: Values, copies: CopyOptions): Promise<Work> {
  const { out, moment } = values;
  if (hasVideo(app)) {
    await checkOut(out, copies).catch(failOut);
    return new VideoWork({ print, complain, out, copies, moment });
  }
  return new AppWork({ print, complain, app, bucket: values.bucket ?? sourcesOf(app)[0] });
}

const hasVideo = (app: App): boolean => functionNamed(app, 'processVideo') !== undefined;

function checkUpload(app: App, { bucket, moment, 'max-moments': most }: Values, files: string[]): void {
  if (hasVideo(app)) {
    if (bucket !== undefined) usage('--bucket needs an app that does not process videos');
    return;
  }
  if (moment !== undefined || most !== undefined) {
    usage(`--moment and --max-moments need an app that has processVideo, got ${app.name}`);
  }
  const sources = sourcesOf(app);
  if (bucket !== undefined && !sources.includes(bucket)) {
    usage(`--bucket must be one of ${sources.join(', ')}, got ${JSON.stringify(bucket)}`);
  }
  if (files.length === 0 || bucket !== undefined || sources.length === 1) return;
  usage(
    sources.length === 0
      ? `files need an app that a bucket triggers, got ${app.name}`
      : `--bucket must be given, one of ${sources.join(', ')}`,
  );
}

function printEndpoints(cloud: LocalCloud, gemini: string, dir: string, page: string | undefined): void {
  const { gcs, vertex, pubsub, functions } = cloud.endpoints;
  const note = gemini === 'local' ? '  (local model: reads the frames, needs no account)' : '';
  const parts: [string, string][] = [
    ['Cloud Storage', gcs],
    ['Pub/Sub', pubsub],
    ...(vertex === undefined ? [] : [['Vertex AI', `${vertex}${note}`] as [string, string]]),
    ...Object.entries(functions),
    ...Object.entries(cloud.services).map(
      ([name, { shown }]) => [name, printable(shown)] as [string, string],
    ),
    ['data', dir],
    ...(page === undefined ? [] : [['console', page] as [string, string]]),
  ];
  const width = Math.max(...parts.map(([name]) => name.length));
  for (const [name, text] of parts) print(`${name.padEnd(width)}  ${text}`);
  print();
}

/** Locks the cloud's private folder. If it cannot be used, throws a one-line message and leaves nothing behind. */
function takeFolder(dir: string): StateLock {
  const isNew = !existsSync(dir);
  for (const open of makePrivateFolder(dir))
    print(`${printable(open)} was accessible to other users: restricted it to yours`);
  try {
    return lockFolder(dir);
  } catch (error) {
    if (isNew) removeEmpty(dir);
    throw error;
  }
}

function failOut(error: unknown): never {
  throw error instanceof CopyError ? new Error(`--out ${error.message}`, { cause: error }) : error;
}

process.stderr.on('error', () => undefined);
main().catch((error: unknown) => {
  complain(inOneLine(error));
  process.exit(error instanceof UsageError ? 2 : 1);
});
