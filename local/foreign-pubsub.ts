/** Creates or updates topics and subscriptions over Pub/Sub's REST API. */
export interface RestSubscriber {
  /** Short names throughout. */
  topic(name: string): Promise<void>;
  /** `fixed`: settings that apply only on creation. */
  subscription(
    name: string,
    topic: string,
    settings: Readonly<Record<string, unknown>>,
    fixed?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /** Turns it back into a pull subscription. */
  stopPushing(name: string): Promise<void>;
}

/** For a service without authentication: the local one, or the official emulator. */
export function subscribeOverRest({ url, project }: { url: string; project: string }): RestSubscriber {
  const call = async (method: string, path: string, body: unknown, known?: number): Promise<number> => {
    const answer = await fetch(`${url.replace(/\/$/, '')}/v1/projects/${project}/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch((error: Error) => {
      throw new Error(`Pub/Sub at ${url} is not responding`, { cause: error });
    });
    const text = await answer.text();
    if (answer.ok || answer.status === known) return answer.status;
    throw new Error(`Pub/Sub at ${url}: ${method} ${path} returned ${answer.status}: ${text.slice(0, 500)}`);
  };
  return {
    async topic(name) {
      await call('PUT', `topics/${name}`, {}, 409);
    },
    async subscription(name, topic, settings, fixed = {}) {
      const path = `subscriptions/${name}`;
      const status = await call(
        'PUT',
        path,
        { topic: `projects/${project}/topics/${topic}`, ...settings, ...fixed },
        409,
      );
      if (status !== 409) return;
      // Updated, not recreated: its waiting messages stay.
      const body = { subscription: settings, updateMask: Object.keys(settings).join(',') };
      await call('PATCH', path, body);
    },
    async stopPushing(name) {
      await call('POST', `subscriptions/${name}:modifyPushConfig`, { pushConfig: {} }, 404);
    },
  };
}
