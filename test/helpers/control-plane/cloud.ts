import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import { Faults } from './faults.ts';
import type { Peer } from './peer.ts';
import type { Policy } from './policies.ts';
import type { JsonObject } from './shapes.ts';

export interface Project {
  id: string;
  number: string;
  billing: boolean;
}

/** Everything the project holds: plain data, so that a test can copy it and continue from the copy. */
export interface State {
  project: Project;
  /** Enabled APIs. */
  services: Set<string>;
  /** Google's own service accounts that already exist in the project. */
  agents: Set<string>;
  /** Resources by full name, as in `projects/p/topics/t`. */
  resources: Map<string, JsonObject>;
  /** Access policies by full resource name. */
  policies: Map<string, Policy>;
  operations: Map<string, JsonObject>;
  /** Number of the request that created a resource: new resources are not known everywhere at once. */
  madeAt: Map<string, number>;
  /** Bytes of stored objects, in base64. */
  contents: Map<string, string>;
  /** Bucket names taken by somebody else. */
  taken: Map<string, string>;
  /** Published messages with their topics, in order; they are not delivered. */
  published: { topic: string; id: number }[];
  /** Ids of messages held by a subscription or a snapshot, by its full name. */
  backlogs: Map<string, number[]>;
  count: number;
}

/** One request that changed, or tried to change, something. */
export interface Entry {
  service: string;
  method: string;
  path: string;
  permission: string;
  body: JsonObject;
  /** 0 if it was never done, because the client was killed. */
  status: number;
}

export const LOCATIONS = new Set([
  'us-central1',
  'us-east1',
  'us-west1',
  'europe-west1',
  'europe-west3',
  'europe-west4',
  'asia-northeast1',
]);

/** The whole control plane: state, requests so far, and faults to inject. */
export class Cloud {
  state: State;
  readonly faults = new Faults();
  /** Mutating requests, in order. */
  readonly journal: Entry[] = [];
  /** Every request, as `METHOD service/path`. */
  readonly requests: string[] = [];
  /** Called before and after each mutating request with its number from 1; `true` ends the connection unanswered. */
  onMutation: ((nth: number, when: 'before' | 'after') => boolean) | undefined;
  url = '';
  /** Log entries. For these filters, one is found if the filter contains its `textPayload`. */
  readonly logs: JsonObject[] = [];
  /** Ids of messages that were lost when a trigger was replaced. */
  readonly lost: number[] = [];
  /** True while a change of metrics, dashboards or alerts takes its time. */
  isEdited = false;
  /** Changes that were refused because another one took its time. */
  overlaps = 0;
  /** An independent control plane that answers instead of this one for the resources that it has. */
  peer: Peer | undefined;
  /** A Cloud Storage server that holds the buckets' objects, and its name for each of our buckets. */
  objects: { url: string; bucket(name: string): string } | undefined;

  constructor(project: string, number: string) {
    this.state = {
      project: { id: project, number, billing: true },
      services: new Set(['serviceusage.googleapis.com', 'cloudresourcemanager.googleapis.com']),
      agents: new Set(),
      resources: new Map(),
      policies: new Map(),
      operations: new Map(),
      madeAt: new Map(),
      contents: new Map(),
      taken: new Map(),
      published: [],
      backlogs: new Map(),
      count: 0,
    };
    this.state.policies.set(`projects/${project}`, {
      version: 1,
      etag: this.etag(),
      bindings: [{ role: 'roles/owner', members: ['user:owner@example.com'] }],
    });
  }

  /** A number not returned before. */
  next(): number {
    this.state.count += 1;
    return this.state.count;
  }

  /** Hexadecimal digits are valid in both base64 alphabets, whichever a client writes it back in. */
  etag(): string {
    return createHash('sha256').update(String(this.next())).digest('hex').slice(0, 12);
  }

  get(name: string): JsonObject | undefined {
    return this.state.resources.get(name);
  }

  set(name: string, resource: JsonObject): JsonObject {
    if (!this.state.resources.has(name)) this.state.madeAt.set(name, this.requests.length);
    this.state.resources.set(name, resource);
    return resource;
  }

  /** How many requests ago the resource was created. */
  age(name: string): number {
    return this.requests.length - (this.state.madeAt.get(name) ?? 0);
  }

  delete(name: string): void {
    this.state.resources.delete(name);
    this.state.policies.delete(name);
    this.state.backlogs.delete(name);
  }

  /** Resources directly under `prefix`, by name. */
  under(prefix: string): JsonObject[] {
    return this.names(prefix).map((name) => this.get(name)!);
  }

  names(prefix: string): string[] {
    return [...this.state.resources.keys()]
      .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
      .sort();
  }

  /** A completed long-running operation, as the client polls for it. */
  done(name: string, response: JsonObject, metadata: JsonObject = {}): JsonObject {
    const operation = { name, done: true, metadata, response };
    this.state.operations.set(name, operation);
    return operation;
  }

  checkProject(id: string): void {
    const { project } = this.state;
    if (id === project.id || id === project.number) return;
    throw new ApiError(
      'PERMISSION_DENIED',
      `Project '${id}' not found or permission denied.`,
      [],
      'forbidden',
    );
  }
}
