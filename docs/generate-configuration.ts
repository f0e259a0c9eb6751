import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { core } from '../functions/app.ts';
import {
  type AppSetting,
  appSettings,
  operatorSettings,
  placeVariables,
  secretsOf,
} from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import { loadApp } from '../shared/app/load-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import type { Setting } from '../shared/app/settings.ts';

const file = fileURLToPath(new URL('configuration.md', import.meta.url));

/** Section headings by the set of functions that read the settings. Other sets have their names as the heading. */
const HEADINGS: Readonly<Record<string, string>> = {
  processVideo: 'Videos',
  'processVideo, answerQuestion': 'Videos',
  ingestEvent: 'Events',
  maintainTable: 'Maintenance',
  inspectDeadLetter: 'Dead letters',
  receiveEvent: 'Webhooks and other clouds',
  'ingestEvent, maintainTable, inspectDeadLetter': 'Tables',
};

const INTRODUCTION = `Functions are configured by environment variables. Each function declares what it reads in its \`settings.ts\`: name, type, default, bounds and meaning. \`node --import tsx docs/generate-configuration.ts\` generates these tables from the declarations; given the folder of another app, it prints that app's tables.

- A deployed function gets those settings of \`deploy.env\` that it declares, or of \`DIR/deploy.env\` for \`--app DIR\` (see [deploy](deploy.md#settings-of-the-functions)). A name that no function declares is refused, with the most similar name that one does; so is a value out of bounds. Nothing is deployed then.
- \`npm start\` and \`pipeline process\` pass on those variables of your shell that the functions declare, and nothing else. They warn about a name that is similar to one of these. \`npm start -- --settings FILE\` takes a file such as \`deploy.env\`, with the same checks.
- An empty variable counts as not set. If anything is wrong, a function refuses to work with one error, \`invalid-config\`, that lists every bad variable: \`MAX_MOMENTS must be an integer from 1 to 20, got "99"\`.`;

const DEPLOYED = `\`deploy.sh\` and the local cloud set these for every function; \`deploy.env\` must not contain them. A topic is \`projects/P/topics/T\`, or its short name if \`GOOGLE_CLOUD_PROJECT\` is set. Names that would make a function trigger itself are refused before anything is written.`;

const ENDPOINTS =
  "For local runs and tests. In the cloud, Google's own are used, and `deploy.env` must not contain these.";

const SECRETS = `A function lists the secrets that it needs in its definition, as in \`secrets: ['MAIL_API_KEY']\`; the core needs none but \`RECEIVE_SOURCES\`, the sources of \`receiveEvent\` ([webhooks](receive.md)). Those of the table are optional.

- In the cloud, each is the newest version of a secret in Secret Manager, which you create; only the functions that declare it can read it (see [deploy](deploy.md#secrets)). \`deploy.env\` must not contain it.
- \`npm start\` reads them from \`.secrets.env\` beside \`package.json\`, one \`NAME=value\` per line. Git ignores that file. Optional ones may be variables of your shell instead.
- A secret in \`secretFiles: ['NAME']\` is a file instead of a variable: a running instance reads new versions from it. The variable \`NAME_FILE\` has its path in a local run, where it is \`.secrets/NAME\`; in the cloud it is mounted at \`/secrets/NAME/value\`.
- The function reads them with its settings: \`readSettings({ ...settings, ...secretSettings(['MAIL_API_KEY']) }, env)\`. A secret's value appears in no message.`;

const COMMANDS = `\`pipeline lake\` and \`pipeline dlq\` find a local cloud in \`.local\` by themselves. For Google's, \`eval "$(./deploy.sh … --env)"\` sets what they need.

| variable | read by | meaning |
| --- | --- | --- |
| \`GOOGLE_CLOUD_PROJECT\` | all | the project; together with credentials, it also makes \`npm start\` and \`pipeline process\` ask the real Gemini |
| \`LAKE_BUCKET\`, \`LAKE_PATH\` | \`lake\`, \`dlq\` | the events table |
| \`STATE_BUCKET\`, \`FRAMES_BUCKET\` | \`dlq\` | dead letters, and the manifests that settle them |
| \`FRAMES_BUCKET\`, \`QUESTIONS_TOPIC\` | \`ask\` | where results are, and the topic of questions, such as \`pipeline-questions\` |
| \`UNREAD_SUBSCRIPTION\` | \`dlq\` | the subscription with unread dead letters (default: \`dead-letters-unread\`); set by the deployment |
| \`REPLAY_TOPIC_PREFIX\` | \`dlq\` | prefix of replay topics (default: \`replay-\`); set by the deployment |
| \`STORAGE_API_ENDPOINT\`, \`PUBSUB_API_ENDPOINT\` | \`lake\`, \`dlq\` | services in place of Google's |
| \`GOOGLE_APPLICATION_CREDENTIALS\`, \`CLOUDSDK_CONFIG\` | \`npm start\`, \`process\` | where application default credentials are looked for |
| \`GOOGLE_CLOUD_QUOTA_PROJECT\` | \`npm start\`, \`process\` | the project that pays for calls to the real Gemini |
| \`FFMPEG_PATH\`, \`GEMINI_VIDEO\`, \`GEMINI_VIDEO_BUCKET\` | \`npm start\`, \`process\` | as above |
| \`PIPELINE_APP\` | \`dlq\`, \`npm start\`, \`deploy.sh\`, the build | folder of the app, if \`--app\` is not given (default: \`functions\`, the core app); set by the deployment |
| \`REGION\` | \`deploy.sh\` | the region, if \`--region\` is not given |`;

/** Content of docs/configuration.md for this app. */
export function configurationDocument(declared: App = core): string {
  const app = withOptional(declared);
  const sections: [heading: string, ...paragraphs: string[]][] = [
    ['Set by the deployment', DEPLOYED, placeTable(app)],
    ...groups(app),
    ['Endpoints', ENDPOINTS, endpointTable(app)],
    ['Secrets', SECRETS, secretTable(app)],
    ['The pipeline command and deploy.sh', COMMANDS],
  ];
  const contents = sections.map(([heading]) => `- [${heading}](#${anchorOf(heading)})`).join('\n');
  const body = sections.flatMap(([heading, ...paragraphs]) => [`## ${heading}`, ...paragraphs]);
  return `${['# Configuration', contents, INTRODUCTION, ...body].join('\n\n')}\n`;
}

/** One section for each set of functions that read the same settings: all functions first, then small sets. */
function groups(app: App): [heading: string, ...paragraphs: string[]][] {
  const byReaders = new Map<string, AppSetting[]>();
  for (const one of operatorSettings(app)) {
    const readers = one.readers.join(', ');
    byReaders.set(readers, [...(byReaders.get(readers) ?? []), one]);
  }
  const size = ([, [first]]: [string, AppSetting[]]): number => {
    const count = first?.readers.length ?? 0;
    return count === app.functions.length ? 0 : count;
  };
  return [...byReaders]
    .sort((a, b) => size(a) - size(b))
    .map(([readers, settings]) => {
      const isAll = size([readers, settings]) === 0;
      const names = readers.split(', ').map((name) => `\`${name}\``);
      const readBy = isAll ? 'Read by every function.' : `Read by ${listed(names)}.`;
      return [isAll ? 'All functions' : (HEADINGS[readers] ?? readers), readBy, settingTable(settings)];
    });
}

function settingTable(settings: readonly AppSetting[]): string {
  const rows = settings.map(({ name, setting }) => [
    `\`${name}\``,
    shownDefault(setting),
    shownBounds(setting),
    setting.doc,
  ]);
  return table(['variable', 'default', 'allowed', 'meaning'], rows);
}

function placeTable(app: App): string {
  const places = placeVariables(app);
  const declared = appSettings(app)
    // the core's functions read the names of all its buckets and topics, even those that this app lacks
    .filter(({ name, setting: { type, setBy } }) =>
      ['bucket', 'topic'].includes(type) ? places.has(name) : setBy === 'deployment',
    )
    .map(({ name, setting, requiredBy }) => {
      const isAll = requiredBy.length === app.functions.length;
      const by = isAll ? 'all functions' : requiredBy.map((one) => `\`${one}\``).join(', ');
      return [`\`${name}\``, by, setting.doc];
    });
  const names = new Set(appSettings(app).map(({ name }) => name));
  const others = [...places]
    .filter(([variable]) => !names.has(variable))
    .map(([variable, key]) => [`\`${variable}\``, '', (app.buckets[key] ?? app.topics[key])?.doc ?? '']);
  return table(['variable', 'required by', 'meaning'], [...others, ...declared]);
}

function secretTable(app: App): string {
  const docs = new Map(appSettings(app).map(({ name, setting }) => [name, setting.doc]));
  const readers = new Map<string, string[]>();
  for (const one of app.functions) {
    for (const { name, required } of secretsOf(one)) {
      const known = readers.get(name) ?? [];
      readers.set(name, required ? [...known, `\`${one.name}\``] : known);
    }
  }
  const rows = [...readers].map(([name, needed]) => [`\`${name}\``, needed.join(', '), docs.get(name) ?? '']);
  return table(['variable', 'required by', 'meaning'], rows);
}

function endpointTable(app: App): string {
  const rows = appSettings(app)
    .filter(({ setting }) => setting.setBy === 'local runs')
    .map(({ name, setting }) => [`\`${name}\``, setting.doc]);
  return table(['variable', 'meaning'], rows);
}

function shownDefault({ default: fallback, required }: Setting<unknown>): string {
  if (fallback === undefined) return required ? 'required' : '';
  if (typeof fallback === 'number') return shownNumber(fallback);
  return fallback === '' ? '' : `\`${fallback}\``;
}

function shownBounds({ bounds }: Setting<unknown>): string {
  if (bounds === undefined) return '';
  if ('values' in bounds) return bounds.values.map((value) => `\`${value}\``).join(', ');
  return `${shownNumber(bounds.min)} to ${shownNumber(bounds.max)}`;
}

const shownNumber = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 20 });

const listed = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/\s/g, '-');

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell) => (cell === '' ? ' ' : ` ${cell.replaceAll('|', '\\|')} `)).join('|')}|`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [, , dir] = process.argv;
  if (dir === undefined) writeFileSync(file, configurationDocument());
  else process.stdout.write(configurationDocument((await loadApp(dir)).app));
}
