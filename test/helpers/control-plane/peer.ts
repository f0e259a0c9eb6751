import type { IncomingMessage } from 'node:http';
import { isObject, type JsonObject, list, text } from './shapes.ts';

/** Collections that the peer answers for, by this server's path, with the field of their listings. */
const COLLECTIONS: readonly { path: RegExp; items: string; isOnlyTheirs?: true }[] = [
  { path: /^\/(?:storage\/)?(storage\/storage\/v1\/b)(\/[^/]+)?$/, items: 'items' },
  { path: /^\/(pubsub\/v1\/projects\/[^/]+\/topics)(\/[^/:]+)?$/, items: 'topics' },
  { path: /^\/(pubsub\/v1\/projects\/[^/]+\/subscriptions)(\/[^/:]+)?$/, items: 'subscriptions' },
  { path: /^\/(iam\/v1\/projects\/[^/]+\/serviceAccounts)(\/[^/:]+)?$/, items: 'accounts' },
  // they choose the names, or check what only they hold
  { path: /^\/(logging\/v2\/projects\/[^/]+\/metrics)(\/[^/:]+)?$/, items: 'metrics', isOnlyTheirs: true },
  {
    path: /^\/(monitoring\/v1\/projects\/[^/]+\/dashboards)(\/[^/:]+)?$/,
    items: 'dashboards',
    isOnlyTheirs: true,
  },
  {
    path: /^\/(monitoring\/v3\/projects\/[^/]+\/alertPolicies)(\/[^/:]+)?$/,
    items: 'alertPolicies',
    isOnlyTheirs: true,
  },
];

/**
 * An independent control plane whose answers replace ours. Ours does each change, too, where functions and triggers
 * are checked against it. A listing is made of what the peer answers for each name, because it lists few kinds.
 */
export class Peer {
  /** Paths of what the peer alone made. */
  readonly #made = new Set<string>();
  /** `METHOD path: status` for each answer that replaced ours. */
  readonly answers: string[] = [];

  constructor(readonly url: string) {}

  /** The peer's answer, or ours if it does not know the resource: Google made that itself. */
  async answer(
    { method = 'GET', url = '', headers }: IncomingMessage,
    body: Buffer,
    ours: () => object | Buffer | undefined,
  ): Promise<{ status: number; answer: object | Buffer } | undefined> {
    const target = url.replace(/^http:\/\/[^/]+/, '');
    const [path = '', query] = target.split('?');
    const found = COLLECTIONS.find((one) => one.path.test(path));
    if (found === undefined) return undefined;
    const [, collection = '', id] = found.path.exec(path) ?? [];
    const own = found.isOnlyTheirs ? undefined : ours();
    const ask = (line: string, at: string): Promise<Response> =>
      fetch(`${this.url}/${at}`, {
        method: line,
        headers: { 'content-type': headers['content-type'] ?? 'application/json' },
        ...(line !== 'GET' && body.length > 0 && { body }),
      });
    if (method === 'GET' && id === undefined) {
      const listed = list(isObject(own) ? own[found.items] : []).map(
        (one) => [`${collection}/${nameOf(one as JsonObject)}`, one] as const,
      );
      const theirs = [...this.#made].filter((at) => at.startsWith(`${collection}/`));
      const all = [...listed, ...theirs.map((at) => [at, undefined] as const)];
      const items = await Promise.all(
        all.map(async ([at, mine]) => {
          const answer = await ask('GET', at);
          this.answers.push(`GET ${at}: ${answer.status}`);
          return answer.ok ? ((await answer.json()) as JsonObject) : mine;
        }),
      );
      return { status: 200, answer: { [found.items]: items.filter((one) => one !== undefined) } };
    }
    const answer = await ask(method, `${collection}${id ?? ''}${query === undefined ? '' : `?${query}`}`);
    const value = (await answer.json().catch(() => ({}))) as JsonObject;
    this.answers.push(`${method} ${collection}${id ?? ''}: ${answer.status}`);
    if (answer.status === 404 && own !== undefined) return { status: 200, answer: own };
    if (answer.ok && method === 'POST' && found.isOnlyTheirs)
      this.#made.add(`${collection}/${nameOf(value)}`);
    if (answer.ok && method === 'DELETE') this.#made.delete(`${collection}${id ?? ''}`);
    return { status: answer.status, answer: value };
  }
}

const nameOf = (one: JsonObject): string => text(one['name']).replace(/^.*\//, '');
