import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCloud, startLocalCloud } from '../../../local/cloud.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import type { ScannedRow } from '../../../shared/delta/index.ts';
import { type CliRun, startCli } from '../../../test/helpers/lake.ts';
import { plainPubsub } from '../../../test/helpers/pubsub.ts';
import { sharedBundle } from '../../../test/helpers/shared-bundle.ts';
import type { Crm } from '../local/crm-server.ts';
import type { MailServer } from '../local/mail-server.ts';
import { localServices } from '../local/services.ts';
import { readSignups } from '../local/signups.ts';

export interface Answered {
  status: number;
  headers: Headers;
  /** The answer's body. */
  json: Record<string, unknown>;
  text: string;
}

export interface PostOptions {
  key?: string;
  headers?: Record<string, string>;
  method?: string;
  path?: string;
}

/** The app on a local cloud, with a mail server and a CRM that the test can look into. */
export interface Scene {
  cloud: LocalCloud;
  mail: MailServer;
  crm: Crm;
  /** JSON lines of the functions' logs so far. */
  logs: Record<string, unknown>[];
  /** A string or bytes are sent as they are, anything else as JSON. */
  post(body: unknown, options?: PostOptions): Promise<Answered>;
  publish(data: string, attributes?: Record<string, string>, topic?: string): Promise<unknown>;
  signups(): Promise<ScannedRow[]>;
  names(bucket: string): Promise<string[]>;
  pipeline(...args: string[]): Promise<CliRun>;
  /** Entries of a function with this outcome. */
  outcomes(name: string, outcome: string): Record<string, unknown>[];
  close(): Promise<void>;
}

export interface Home {
  dir: string;
  bundleDir: string;
  remove(): Promise<void>;
}

/** A folder for the scenes of one test file, and the bundle that they share. */
export async function makeHome(): Promise<Home> {
  const dir = await mkdtemp(join(tmpdir(), 'signup-'));
  return {
    dir,
    bundleDir: await sharedBundle('examples/signup'),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export async function startScene({ dir, bundleDir }: Home, only?: readonly string[]): Promise<Scene> {
  let mail: MailServer | undefined;
  let crm: Crm | undefined;
  const logs: Record<string, unknown>[] = [];
  const cloud = await startLocalCloud({
    ...{ dir, bundleDir },
    app: await loadApp('examples/signup'),
    services: localServices({
      mail: (server) => {
        mail = server;
      },
      crm: (server) => {
        crm = server;
      },
    }),
    ...(only && { only }),
    env: { OUTBOX_AGE_SECONDS: '0' },
    backoff: { minMs: 50, maxMs: 2_000 },
    events: {
      onFunctionLine: (_name, line) => {
        if (line.startsWith('{')) logs.push(JSON.parse(line));
      },
    },
  });
  const { storage, endpoints } = cloud;
  const pubsub = plainPubsub(() => endpoints.pubsub);
  return {
    ...{ cloud, logs },
    mail: mail!,
    crm: crm!,
    async post(body, { key, headers, method = 'POST', path = 'users' } = {}) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const response = await fetch(`${endpoints.functions['createUser']}${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(key !== undefined && { 'idempotency-key': key }),
          ...headers,
        },
        ...(body !== undefined && { body: isRaw ? Buffer.from(body) : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = /json$/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        json: isJson ? JSON.parse(text) : {},
        text,
      };
    },
    publish: (data, attributes = {}, topic = 'user-events') =>
      pubsub.publish(topic, { data: Buffer.from(data).toString('base64'), attributes }),
    signups: () => readSignups(storage),
    async names(bucket) {
      const found: string[] = [];
      for await (const { name } of storage.bucket(bucket).list()) found.push(name);
      return found;
    },
    pipeline: (...args) => startCli([...args, '--local', dir]).ended,
    outcomes: (name, outcome) => logs.filter((one) => one['function'] === name && one['outcome'] === outcome),
    close: () => cloud.close(),
  };
}
