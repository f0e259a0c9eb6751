import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Service } from '../cli/common/service.ts';
import { OPERATIONS as STORAGE_OPERATIONS } from '../local/gcs/router.ts';
import { OPERATIONS as PUBSUB_OPERATIONS } from '../local/pubsub/router.ts';
import { KINDS as MODEL_KINDS } from '../local/vertex/faults.ts';
import { isJsonObject } from '../shared/core/json-value.ts';
import type { FaultDraft, FaultService, FaultsAnswer, SwitchedFault } from './action-types.ts';
import { Problem } from './answers.ts';
import { type LocalPlace, localPlace, readRunning } from './running.ts';

/** The local cloud's own API switches faults: this only asks it. */
interface FaultApi {
  service: FaultService;
  operations: readonly string[];
  kinds: readonly string[];
  list(): Promise<SwitchedFault[]>;
  add(draft: FaultDraft): Promise<void>;
  remove(id: number): Promise<void>;
}

const STORAGE_KINDS = [
  'status',
  'drop',
  'applied-status',
  'applied-drop',
  'cut',
  'corrupt',
  'stall',
  'delay',
];
const PUBSUB_KINDS = ['status', 'drop', 'applied-status', 'applied-drop', 'delay'];

/** Faults that are on, and those that can be switched on. */
export async function listFaults(service: Service, signal: AbortSignal): Promise<FaultsAnswer> {
  const apis = apisOf(service, signal);
  const listed = await Promise.all(
    apis.map(async (api) => ({ api, faults: await api.list().catch(() => undefined) })),
  );
  // the official emulator of Pub/Sub has none
  const known = listed.filter(({ faults }) => faults !== undefined);
  return {
    services: known.map(({ api: { service: name, operations, kinds } }) => ({
      service: name,
      operations,
      kinds,
    })),
    faults: known.flatMap(({ faults = [] }) => faults),
  };
}

export async function switchFault(
  service: Service,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<FaultsAnswer> {
  const api = apiOf(service, body, signal);
  await api.add({ ...(body as Omit<FaultDraft, 'service'>), service: api.service });
  return listFaults(service, signal);
}

/** `id` names one; the model has one plan and no ids. */
export async function endFault(
  service: Service,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<FaultsAnswer> {
  const api = apiOf(service, body, signal);
  const { id = 0 } = body;
  if (typeof id !== 'number') throw new Problem(400, `id must be a number, got ${JSON.stringify(id)}`);
  await api.remove(id);
  return listFaults(service, signal);
}

function apiOf(service: Service, body: Record<string, unknown>, signal: AbortSignal): FaultApi {
  const apis = apisOf(service, signal);
  const api = apis.find((one) => one.service === body['service']);
  if (api !== undefined) return api;
  const known = apis.map((one) => one.service).join(', ');
  throw new Problem(400, `service must be one of ${known}, got ${JSON.stringify(body['service'] ?? null)}`);
}

function apisOf(service: Service, signal: AbortSignal): FaultApi[] {
  const place = localPlace(service, 'faults are switched on');
  const vertex = readRunning(service)?.vertex;
  return [
    ruleApi('storage', place.storage, { operations: STORAGE_OPERATIONS, kinds: STORAGE_KINDS, signal }),
    ruleApi('pubsub', place.pubsub, { operations: PUBSUB_OPERATIONS, kinds: PUBSUB_KINDS, signal }),
    ...(vertex === undefined ? [] : [modelApi(place, vertex, signal)]),
  ];
}

/** A rule as Cloud Storage and Pub/Sub of the local cloud list it. */
interface Rule {
  id: number;
  action: { kind: string; status?: number; ms?: number; afterBytes?: number };
  operations?: string[];
  bucket?: string;
  name?: string;
  times?: number | null;
  met: number;
}

/** The field that an action's number is in. */
function numberField(kind: string): 'status' | 'ms' | 'afterBytes' | undefined {
  if (kind.endsWith('status')) return 'status';
  if (kind === 'delay') return 'ms';
  return kind === 'cut' || kind === 'stall' ? 'afterBytes' : undefined;
}

function ruleApi(
  service: 'storage' | 'pubsub',
  base: string,
  {
    operations,
    kinds,
    signal,
  }: { operations: readonly string[]; kinds: readonly string[]; signal: AbortSignal },
): FaultApi {
  const call = async (method: string, query = '', body?: unknown): Promise<unknown> => {
    const answer = await fetch(new URL(`/_faults${query}`, base), {
      ...{ method, signal },
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return answered(answer.status, await answer.text());
  };
  return {
    ...{ service, operations, kinds },
    async list() {
      const value = await call('GET');
      const rules = (Array.isArray(value) ? value : isJsonObject(value) ? value['faults'] : []) as Rule[];
      return rules.map((rule) => ({
        service,
        id: rule.id,
        met: rule.met,
        what: inWords(rule),
        ...leftOf(rule),
      }));
    },
    async add({ kind, number, operation, bucket, name, times }) {
      const field = numberField(kind);
      await call('POST', '', {
        action: { kind, ...(field !== undefined && { [field]: number }) },
        ...(operation && { operations: [operation] }),
        ...(bucket && { bucket }),
        ...(name && { name }),
        times: times ?? -1,
      });
    },
    async remove(id) {
      await call('DELETE', `?id=${id}`);
    },
  };
}

function leftOf({ times = 1, met }: Rule): { left?: number } {
  return times === null || times < 0 ? {} : { left: Math.max(0, times - met) };
}

function inWords({ action, operations, bucket, name }: Rule): string {
  const which = operations ? operations.join(' and ') : 'every request';
  const where = [bucket && `in bucket ${bucket}`, name && `with ${name} in its name`]
    .filter(Boolean)
    .join(' ');
  return `${actionInWords(action)}: ${which}${where === '' ? '' : ` ${where}`}`;
}

function actionInWords({ kind, status, ms, afterBytes }: Rule['action']): string {
  switch (kind) {
    case 'status':
      return `answers ${status}`;
    case 'applied-status':
      return `takes effect and answers ${status}`;
    case 'drop':
      return 'closes the connection without an answer';
    case 'applied-drop':
      return 'takes effect and closes the connection';
    case 'delay':
      return `answers ${ms} ms later`;
    case 'cut':
      return `breaks off after ${afterBytes} bytes`;
    case 'stall':
      return `falls silent after ${afterBytes} bytes`;
    case 'corrupt':
      return 'flips one bit of the body';
    default:
      return kind;
  }
}

/** More requests than a run has: the model's plan has an end. */
const ENDLESS = 1_000_000_000;

function modelApi({ dir }: LocalPlace, vertex: string, signal: AbortSignal): FaultApi {
  const call = (method: string, body?: unknown): Promise<unknown> =>
    callTls(new URL('/_faults', vertex), {
      method,
      // its certificate is its own
      ca: readFileSync(join(dir, 'vertex', 'vertex-cert.pem')),
      signal,
      body: body === undefined ? '' : JSON.stringify(body),
    });
  return {
    ...{ service: 'model', operations: [], kinds: [...MODEL_KINDS, 'slow'] },
    async list() {
      const { kinds, times } = (await call('GET')) as { kinds: string[]; times: number };
      if (kinds.length === 0) return [];
      return [
        {
          service: 'model',
          what: `answers with ${kinds.join(', ')}`,
          ...(times < ENDLESS / 2 && { left: times }),
        },
      ];
    },
    async add({ kind, number, times }) {
      await call('POST', { kinds: [kind === 'slow' ? `slow:${number}` : kind], times: times ?? ENDLESS });
    },
    async remove() {
      await call('POST', { kinds: [] });
    },
  };
}

function callTls(
  url: URL,
  { body, ...options }: { method: string; ca: Buffer; signal: AbortSignal; body: string },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { ...options, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject).on('end', () => {
        try {
          resolve(answered(response.statusCode ?? 0, text));
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on('error', reject).end(body);
  });
}

/** Throws a Problem with the server's own words. */
function answered(status: number, text: string): unknown {
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    value = {};
  }
  if (status < 300) return value;
  const error = isJsonObject(value) ? value['error'] : undefined;
  const message = isJsonObject(error) ? error['message'] : undefined;
  throw new Problem(
    status === 400 ? 400 : 502,
    typeof message === 'string' ? message : `the local cloud answered ${status}`,
  );
}
