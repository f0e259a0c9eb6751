import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { InFlight } from '../../../shared/invocation/in-flight.ts';

let server: Server;
afterEach(() => server.close());

/** A minimal framework: parses each body onto the request, and passes the event of the mode to `handle`. */
async function serve(inFlight: InFlight, handle: (body: unknown) => void): Promise<() => Promise<Response>> {
  server = createServer(
    inFlight.track((request: IncomingMessage & { body?: unknown }) => {
      request.on('data', (chunk: Buffer) => {
        request.body = JSON.parse(chunk.toString());
        handle(request.body);
      });
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () => fetch(url, { method: 'POST', body: '{"n":1}' });
}

test.each([
  ['the body is the event', (body: unknown) => body],
  ["the body is the event's data", (body: unknown) => ({ specversion: '1.0', data: body })],
])('a delivery is answered by its event: %s', async (_name, eventOf) => {
  const inFlight = new InFlight();
  const bodies: unknown[] = [];
  const send = await serve(inFlight, (body) => bodies.push(body));
  // two requests with equal bodies, which object identity distinguishes
  const answers = [send(), send()];
  await expect.poll(() => bodies.length).toBe(2);
  expect(inFlight.answer(eventOf(bodies[1]), 429, 'second')).toBe(true);
  expect(inFlight.answer(eventOf(bodies[0]), 429, 'first')).toBe(true);
  const settled = await Promise.all(answers);
  expect(settled.map(({ status }) => status)).toEqual([429, 429]);
  expect((await Promise.all(settled.map((one) => one.text()))).sort()).toEqual(['first\n', 'second\n']);
  expect(inFlight.answer(eventOf(bodies[0]), 429, 'once more')).toBe(false);
});

test('an event whose request cannot be distinguished from others is not answered', async () => {
  const inFlight = new InFlight();
  await serve(inFlight, () => {});
  expect(inFlight.answer({ data: 'text' }, 429, '')).toBe(false);
  expect(inFlight.answer('text', 429, '')).toBe(false);
  expect(inFlight.answer({ data: {} }, 429, '')).toBe(false);
});
