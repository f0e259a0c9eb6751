import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '../shared/app/define-app.ts';
import type { Context } from './context.ts';
import { ROOT } from './source.ts';

/**
 * The files of `monitoring/`, and the metrics and alerts of the app. A file, or an object in one of its lists, says in `for` which function or topic it is
 * about, and is left out for an app that lacks it. `{ "text": [...] }` is one text, whose parts follow the same rule.
 */
export interface MonitoringFile {
  /** File name without its extension. */
  name: string;
  body: Json;
}

interface MonitoringText {
  /** File name without its extension. */
  name: string;
  text: string;
}

export type Json = Record<string, unknown>;
export type MonitoringKind = (typeof KINDS)[number];
type Deployment = Pick<Context, 'app' | 'names' | 'options'>;

const KINDS = ['metrics', 'dashboard', 'alerts'] as const;
/** Value of `for`: event functions of the app that no file names. */
const OTHERS = 'other functions';
/** Tiles are placed in the order of the file, two in a row. */
const TILE = { width: 24, height: 16 };

/**
 * Files with the names of this deployment filled in: `wanted` for what the app has, and `whole` with nothing left
 * out, as an app that has everything would get them.
 */
export async function monitoringFiles(
  kind: MonitoringKind,
  deployment: Deployment,
): Promise<{ wanted: MonitoringFile[]; whole: MonitoringFile[] }> {
  const texts = await Promise.all(KINDS.map((one) => textsOf(join(ROOT, 'monitoring', one))));
  const own = await ownTexts(kind, deployment.app);
  // an alert of the app's own does not replace the general ones
  const named = new Set(texts.flat().flatMap(({ text }) => namedIn(text)));
  const others = eventFunctions(deployment.app).filter((name) => !named.has(name));
  const has = ownedBy(deployment.app, others);
  const files = [...(texts[KINDS.indexOf(kind)] ?? []), ...own].map(({ name, text }) => ({
    name,
    body: JSON.parse(filled(text, others, deployment)) as Json,
  }));
  const pick = (isOwned: (owner: string) => boolean): MonitoringFile[] =>
    files.flatMap(({ name, body }) => {
      const picked = pickedOf(body, isOwned) as Json | undefined;
      return picked === undefined ? [] : [{ name, body: placed(picked) }];
    });
  return { wanted: pick(has), whole: pick(() => true) };
}

/** The wanted files alone. */
export async function readAll(kind: MonitoringKind, deployment: Deployment): Promise<MonitoringFile[]> {
  return (await monitoringFiles(kind, deployment)).wanted;
}

/** The app's own. An app may lack the folder, and has no dashboard of its own. */
async function ownTexts(kind: MonitoringKind, { monitoring = [] }: App): Promise<MonitoringText[]> {
  if (kind === 'dashboard') return [];
  const folders = monitoring.map((one) => (one.startsWith('file:') ? fileURLToPath(one) : resolve(one)));
  const texts = folders
    .map((folder) => join(folder, kind))
    .map((one) => (existsSync(one) ? textsOf(one) : []));
  return (await Promise.all(texts)).flat();
}

async function textsOf(folder: string): Promise<MonitoringText[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.json'.length),
      text: await readFile(join(folder, file), 'utf8'),
    })),
  );
}

const namedIn = (text: string): string[] => [...text.matchAll(/"for": "([^"]+)"/g)].map(([, name]) => name!);

const eventFunctions = ({ functions }: App): string[] =>
  functions.filter(({ trigger }) => trigger.kind !== 'http').map(({ name }) => name);

function ownedBy({ functions, topics }: App, others: readonly string[]): (owner: string) => boolean {
  const owners = new Set([...functions.map(({ name }) => name), ...Object.keys(topics)]);
  return (owner) => (owner === OTHERS ? others.length > 0 : owners.has(owner));
}

/** The value without what the app lacks; undefined if nothing of it is left. */
function pickedOf(value: unknown, has: (owner: string) => boolean): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => pickedOf(one, has)).filter((one) => one !== undefined);
    return items.length === 0 && value.length > 0 ? undefined : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const { for: owner, ...rest } = value as Json;
  if (typeof owner === 'string' && !has(owner)) return undefined;
  if (Array.isArray(rest['text'])) return joined(rest['text'], has);
  const fields = Object.entries(rest).map(([key, one]) => [key, pickedOf(one, has)] as const);
  // an alert without conditions, or a chart without data, says nothing
  return fields.some(([, one]) => one === undefined) ? undefined : Object.fromEntries(fields);
}

function joined(parts: readonly unknown[], has: (owner: string) => boolean): string {
  return parts
    .map((part) => {
      const one = pickedOf(part, has);
      return typeof one === 'string' ? one : String((one as Json | undefined)?.['text'] ?? '');
    })
    .join('');
}

/** Places the tiles of a dashboard; other files stay as they are. */
function placed(body: Json): Json {
  const layout = body['mosaicLayout'] as { tiles: Json[] } | undefined;
  if (layout === undefined) return body;
  const tiles = layout.tiles.map((tile, index) => ({
    xPos: (index % 2) * TILE.width,
    yPos: Math.floor(index / 2) * TILE.height,
    ...TILE,
    ...tile,
  }));
  return { ...body, mosaicLayout: { ...layout, tiles } };
}

function filled(text: string, others: readonly string[], { app, names, options }: Deployment): string {
  const { prefix, region, project } = names.place;
  const alternatives = (functions: readonly string[]): string =>
    functions.map((name) => name.toLowerCase()).join('|');
  const values: Record<string, string> = {
    PREFIX: prefix,
    METRICS: names.metricPrefix,
    REGION: region,
    PROJECT: project,
    FUNCTIONS: alternatives(app.functions.map(({ name }) => name)),
    OTHER_FUNCTIONS: alternatives(others),
    DAILY_DOLLARS: String(options.dailyDollars),
  };
  return text.replaceAll(/\$\{([A-Z][A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`monitoring: unknown name ${name}`);
    return value;
  });
}
