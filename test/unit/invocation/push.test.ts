import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { completeEvent, pushesAsEvents } from '../../../shared/invocation/push.ts';

const TYPE = 'google.cloud.pubsub.topic.v1.messagePublished';
const PATH = '/projects/demo/topics/events';

let close: (() => void) | undefined;
afterEach(() => close?.());

/** The `ce-*` headers that the next listener sees. */
async function headersOf(path: string, sent: Record<string, string> = {}): Promise<Record<string, unknown>> {
  let seen: IncomingMessage['headers'] = {};
  const server = createServer(
    pushesAsEvents((request, response) => {
      seen = request.headers;
      response.end();
    }),
  );
  close = () => server.close();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers: sent, body: '{}' });
  return Object.fromEntries(Object.entries(seen).filter(([name]) => name.startsWith('ce-')));
}

test.each([PATH, `${PATH}?retry=1`])('a push to %s is an event of its topic', async (path) => {
  expect(await headersOf(path)).toEqual({
    'ce-specversion': '1.0',
    'ce-id': 'push',
    'ce-source': '//pubsub.googleapis.com/projects/demo/topics/events',
    'ce-type': TYPE,
  });
});

test.each(['/', '/projects/demo', `${PATH}/more`, `/x${PATH}`, `/?path=${PATH}`])(
  'a request to %s is left alone',
  async (path) => {
    expect(await headersOf(path)).toEqual({});
  },
);

test("an event that has Eventarc's headers keeps them", async () => {
  const own = { 'ce-id': '7', 'ce-type': 'google.cloud.storage.object.v1.finalized', 'ce-source': '//x' };
  expect(await headersOf(PATH, own)).toEqual(own);
});

const event = (data: unknown, id = 'push') => ({ id, type: TYPE, source: '//pubsub.googleapis.com/x', data });

test("the event takes id and time from its message, and keeps the push's other fields", () => {
  const data = {
    subscription: 'projects/demo/subscriptions/pipeline-push-ingestevent',
    deliveryAttempt: 3,
    message: {
      messageId: '17',
      publishTime: '2026-11-21T10:00:00Z',
      orderingKey: 'A',
      attributes: { a: '1' },
    },
  };
  expect(completeEvent(event(data))).toEqual({
    ...event(data, '17'),
    time: '2026-11-21T10:00:00Z',
  });
});

test.each([
  ['a body that is not an object', event('text')],
  ['a body without a message', event({ subscription: 'x' })],
  ['an event of Eventarc', event({ message: { messageId: '17' } }, '9')],
  ['an event of another type', { ...event({ message: { messageId: '17' } }), type: 'x' }],
  ['no event at all', 'text'],
])('%s is passed on unchanged', (_name, input) => {
  expect(completeEvent(input)).toBe(input);
});
