import { parseArgs } from 'node:util';
import { oneOf, parseOptions as parse, quoted, UsageError, wholeNumber } from '../cli/common/options.ts';
import { type App, functionNamed } from '../shared/app/define-app.ts';
import {
  type GivenOptions,
  givenOptions,
  optionHelp,
  optionTypes,
  withOptional,
} from '../shared/app/optional.ts';
import { RAW } from './parts/buckets.ts';

export type Action = 'deploy' | 'verify' | 'destroy' | 'env' | 'help' | 'terraform';

export interface Options {
  action: Action;
  project: string;
  region: string;
  prefix: string;
  /** Name of the only function to deploy; undefined for all. */
  only: string | undefined;
  dryRun: boolean;
  smoke: boolean;
  withData: boolean;
  yes: boolean;
  /** Days after which raw videos are deleted; undefined keeps them. */
  rawDays: number | undefined;
  /** Upper bound for every function's `maxInstances`; undefined for none. */
  maxInstances: number | undefined;
  /** Regions that may store the topics' messages; empty leaves it to the organization's policy. */
  storageRegions: string[];
  /** Key that encrypts buckets, topics and functions, by its full name; undefined leaves what is there. */
  kmsKey: string | undefined;
  /** True to log who reads and writes the data of buckets and secrets. */
  auditDataAccess: boolean;
  /** Options of functions that run only on request. */
  optional: GivenOptions;
  /** Cost of Gemini above which an alert fires, in US dollars per day. */
  dailyDollars: number;
  /** Numbers of notification channels, or `projects/P/notificationChannels/NUMBER`. */
  channels: string[];
  /** Folder for `--format terraform`; undefined otherwise. */
  out: string | undefined;
  /** True if what exists is to be imported into Terraform's state. */
  imports: boolean;
  /** File with `NAME=value` lines for the functions' environment. */
  settings: string | undefined;
  /** Time to retry a command because new resources are not yet known everywhere, in milliseconds. */
  patienceMs: number;
}

export const HELP = `usage: ./deploy.sh --project PROJECT --region REGION [options]

Deploys the whole pipeline into a project, or updates what differs. Running it twice changes nothing.

  --app DIR           folder of the app to deploy (default: PIPELINE_APP, or the core app, functions)
  --project PROJECT   the project's id (default: GOOGLE_CLOUD_PROJECT)
  --region REGION     region of all resources, such as us-central1 (default: REGION)
  --prefix PREFIX     prefix of all names (default: the app's name)
  --only FUNCTION     only this function, with its account, roles, trigger and subscriptions
  --settings FILE     NAME=value lines for the functions (default: deploy.env, beside app.ts for --app)
  --raw-days N        delete objects of the bucket raw after N days (default: never)
  --max-instances N   at most N instances of each function (default: as defined); for projects with a
                      low CPU quota
  --daily-dollars N   alert if Gemini costs more than this per day (default: 50)
  --notify CHANNEL    send alerts to this notification channel: its number, or its whole name; may be
                      given more than once
  --storage-region R  store the topics' messages in this region only; may be given more than once
                      (default: as the organization's policy says)
  --kms-key KEY       encrypt buckets, topics and functions with this key of Cloud KMS, given as
                      projects/P/locations/REGION/keyRings/RING/cryptoKeys/KEY (default: Google's keys)
  --audit-data-access log who reads and writes objects and secrets, in the whole project
  --patience SECONDS  how long to retry while new accounts, roles and services are still
                      propagating (default: 900)

  --dry-run           print every command that would change something, and run none of them
  --verify            read everything back and report what differs; exit code 1 if anything does
  --smoke             after deploying, upload a clip, wait for its manifest and its row in the table, and
                      check which ffmpeg took the frame
                      (requires processVideo in the app)
  --format FORMAT     gcloud: deploy (default); terraform: change nothing, and write the same desired state
                      as Terraform
    --out DIR         folder for it: new, empty, or written by an earlier run
    --import          also write import blocks for what the project has already
  --env               print the environment that the pipeline command needs
  --destroy           delete the deployment; asks first, and keeps buckets that hold data
    --with-data       delete those too
    --yes             do not ask
  --help              show this help

Exit codes: 0 done, 1 failed or different, 2 wrong usage.
`;

const OPTIONS = {
  project: { type: 'string' },
  region: { type: 'string' },
  app: { type: 'string' },
  prefix: { type: 'string' },
  only: { type: 'string' },
  settings: { type: 'string' },
  'raw-days': { type: 'string' },
  'max-instances': { type: 'string' },
  'daily-dollars': { type: 'string' },
  notify: { type: 'string', multiple: true },
  'storage-region': { type: 'string', multiple: true },
  'kms-key': { type: 'string' },
  'audit-data-access': { type: 'boolean', default: false },
  patience: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  verify: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  format: { type: 'string', default: 'gcloud' },
  out: { type: 'string' },
  import: { type: 'boolean', default: false },
  env: { type: 'boolean', default: false },
  destroy: { type: 'boolean', default: false },
  'with-data': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Options of the app are known only at run time. */
const NONE = {} as const;

/** Value of `--app`, read first: the other options depend on the app. */
export function appOption(args: string[]): string | undefined {
  const { app } = parseArgs({ args, strict: false, options: { app: { type: 'string' } } }).values;
  return typeof app === 'string' ? app : undefined;
}

/** The help text, with the options of this app. */
export function helpFor(app: App): string {
  const lines = optionHelp(app);
  if (lines.length === 0) return HELP;
  return HELP.replace(
    '\nExit codes',
    `\nFunctions that run only on request:\n${lines.join('\n')}\n\nExit codes`,
  );
}

/** Throws UsageError with the given and the allowed value. */
export function parseOptions(args: string[], env: NodeJS.ProcessEnv, app: App): Options {
  const values = parse(args, { ...OPTIONS, ...(optionTypes(app) as typeof NONE) });
  const action = actionOf(values);
  const options: Options = {
    action,
    project: values.project ?? env['GOOGLE_CLOUD_PROJECT'] ?? '',
    region: values.region ?? env['REGION'] ?? '',
    prefix: values.prefix ?? app.name,
    only: functionOf(values.only, app),
    dryRun: values['dry-run'],
    smoke: values.smoke,
    withData: values['with-data'],
    yes: values.yes,
    rawDays: wholeNumber('raw-days', values['raw-days'], { min: 1, max: 36_500 }),
    maxInstances: wholeNumber('max-instances', values['max-instances'], { min: 1, max: 1_000 }),
    storageRegions: [...new Set(values['storage-region'] ?? [])].sort(),
    kmsKey: values['kms-key'],
    auditDataAccess: values['audit-data-access'],
    optional: givenOptions(app, values),
    dailyDollars: wholeNumber('daily-dollars', values['daily-dollars'], { min: 1, max: 1_000_000 }) ?? 50,
    channels: values.notify ?? [],
    out: values.out,
    imports: values.import,
    settings: values.settings,
    patienceMs: (wholeNumber('patience', values.patience, { min: 0, max: 3_600 }) ?? 900) * 1_000,
  };
  if (action === 'help') return options;
  checkPlace(options, app);
  checkApp(options, app);
  checkTerraform(options);
  if (options.withData && action !== 'destroy') throw new UsageError('--with-data needs --destroy');
  if (options.only && (action === 'destroy' || options.smoke)) {
    throw new UsageError('--only needs a deployment, --dry-run or --verify');
  }
  if (options.smoke && (options.dryRun || action !== 'deploy')) {
    throw new UsageError('--smoke uploads a clip: it needs a deployment');
  }
  const place = options.storageRegions.find((one) => !REGION.test(one));
  if (place !== undefined) {
    throw new UsageError(`--storage-region must be a region such as us-central1, got ${quoted(place)}`);
  }
  checkKey(options);
  const channel = options.channels.find(
    (one) => !/^(projects\/[^/]+\/notificationChannels\/)?\d+$/.test(one),
  );
  if (channel !== undefined) {
    throw new UsageError(
      `--notify must be the number of a notification channel, or projects/P/notificationChannels/NUMBER ("gcloud beta monitoring channels list" lists them), got ${quoted(channel)}`,
    );
  }
  return options;
}

/** A function needs a key of its own region: https://cloud.google.com/functions/docs/securing/cmek */
function checkKey({ kmsKey, region }: Options): void {
  if (kmsKey === undefined) return;
  const [, location] =
    /^projects\/[^/]+\/locations\/([^/]+)\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+$/.exec(kmsKey) ?? [];
  if (location === undefined) {
    throw new UsageError(
      `--kms-key must be projects/P/locations/REGION/keyRings/RING/cryptoKeys/KEY ("gcloud kms keys list --keyring=RING --location=${region}" lists them), got ${quoted(kmsKey)}`,
    );
  }
  if (location !== region) {
    throw new UsageError(
      `--kms-key must be a key in ${region}, the region of the functions, got one in ${quoted(location)}`,
    );
  }
}

/** A region such as `us-central1`. */
const REGION = /^[a-z]+-[a-z]+\d+$/;

type Values = ReturnType<typeof parse<typeof OPTIONS>>;

function actionOf({ help, verify, destroy, env, format }: Values): Action {
  if (help) return 'help';
  const isTerraform = oneOf('format', format, FORMATS) === 'terraform';
  const chosen = (['verify', 'destroy', 'env'] as const).filter((name) => ({ verify, destroy, env })[name]);
  if (chosen.length > 1) throw new UsageError(`--${chosen[0]} and --${chosen[1]} cannot be combined`);
  if (isTerraform && chosen.length > 0) {
    throw new UsageError(`--${chosen[0]} and --format terraform cannot be combined`);
  }
  return isTerraform ? 'terraform' : (chosen[0] ?? 'deploy');
}

const FORMATS = ['gcloud', 'terraform'] as const;

function checkTerraform({ action, out, imports, only, dryRun }: Options): void {
  if (action !== 'terraform') {
    if (out !== undefined) throw new UsageError('--out needs --format terraform');
    if (imports) throw new UsageError('--import needs --format terraform');
    return;
  }
  if (!out) throw new UsageError('--format terraform needs --out, the folder to write');
  // the rest would be missing in it, and Terraform deletes what is missing
  if (only !== undefined) throw new UsageError('--only and --format terraform cannot be combined');
  if (dryRun) throw new UsageError('--dry-run and --format terraform cannot be combined');
}

function checkPlace({ project, region, prefix, optional }: Options, app: App): void {
  if (project === '') throw new UsageError('--project or GOOGLE_CLOUD_PROJECT must be given');
  if (!/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(project)) {
    throw new UsageError(
      `--project must be a project's id of 6 to 30 lower-case letters, digits and dashes ("gcloud projects list" lists them), got ${quoted(project)}`,
    );
  }
  if (region === '') throw new UsageError('--region must be given, such as us-central1');
  if (!REGION.test(region)) {
    throw new UsageError(
      `--region must be a region such as us-central1 ("gcloud functions regions list" lists them), got ${quoted(region)}`,
    );
  }
  if (!/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/.test(prefix) || prefix.includes('goog')) {
    throw new UsageError(
      `--prefix must be 1 to 12 lower-case letters, digits and dashes, without "goog", got ${quoted(prefix)}`,
    );
  }
  for (const { name } of chosenApp(app, optional).functions) {
    const account = `${prefix}-${name.toLowerCase()}`;
    if (account.length <= MAX_ACCOUNT) continue;
    throw new UsageError(
      `--prefix must be shorter: the service account of ${name} must be at most ${MAX_ACCOUNT} characters, got ${account.length} with ${quoted(prefix)}`,
    );
  }
  for (const key of Object.keys(app.buckets)) {
    const bucket = `${project}-${prefix}-${key}`;
    if (bucket.length <= MAX_BUCKET) continue;
    throw new UsageError(
      `--prefix must be shorter: the name of bucket ${key} must be at most ${MAX_BUCKET} characters, got ${bucket.length} with ${quoted(prefix)}`,
    );
  }
}

function chosenApp(app: App, given: GivenOptions): App {
  try {
    return withOptional(app, given);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** https://cloud.google.com/iam/docs/service-accounts-create */
const MAX_ACCOUNT = 30;
/** https://cloud.google.com/storage/docs/buckets#naming */
const MAX_BUCKET = 63;

/** Refuses options about parts of the core that this app does not have. */
function checkApp({ rawDays, smoke }: Options, app: App): void {
  if (rawDays !== undefined && !Object.hasOwn(app.buckets, RAW)) {
    throw new UsageError(`--raw-days needs an app that has the bucket ${RAW}, got ${app.name}`);
  }
  if (smoke && functionNamed(app, 'processVideo') === undefined) {
    throw new UsageError(`--smoke needs an app that has processVideo, got ${app.name}`);
  }
}

function functionOf(name: string | undefined, app: App): string | undefined {
  if (name === undefined) return undefined;
  const known = withOptional(app).functions.map((one) => one.name);
  const found = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined)
    throw new UsageError(`--only must be one of ${known.join(', ')}, got ${quoted(name)}`);
  return found;
}
