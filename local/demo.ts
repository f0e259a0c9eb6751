import { setTimeout as sleep } from 'node:timers/promises';
import { createPublisher } from '../shared/gcp/pubsub.ts';
import type { LocalCloud } from './cloud.ts';
import type { Demo, DemoContext } from './hook.ts';
import { inOneLine, printable } from './terminal-text.ts';

const POLL_MS = 50;

/** Runs the demo of an app. False if it failed, which is then printed. */
export async function runDemo(
  demo: Demo,
  cloud: LocalCloud,
  { print, complain, signal }: Pick<DemoContext, 'print' | 'signal'> & { complain(line: string): void },
): Promise<boolean> {
  const { endpoints, storage } = cloud;
  const publisher = createPublisher({ project: 'local', apiEndpoint: endpoints.pubsub });
  const startedAt = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(2);
    print(`${seconds.padStart(7)} s  ${printable(line)}`);
  };
  try {
    await demo({
      endpoints,
      storage,
      services: cloud.services,
      signal,
      print: say,
      async publish(topic, data, options = {}) {
        const message = { data: JSON.stringify(data), ...options };
        const [id = ''] = await publisher.publish(topic, [message], { signal });
        return id;
      },
      async until(what, probe, timeoutMs = 30_000) {
        const end = performance.now() + timeoutMs;
        for (;;) {
          const found = await probe();
          if (found !== undefined && found !== false) {
            say(what);
            return found;
          }
          if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
          await sleep(POLL_MS, undefined, { signal });
        }
      },
    });
    return true;
  } catch (error) {
    if (!signal.aborted) complain(`demo failed: ${inOneLine(error)}`);
    return false;
  } finally {
    publisher.close();
  }
}
