import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalGateway, startGateway } from '../local/gateway.ts';
import { createGateway } from '../payments/gateway.ts';

const REQUEST = { reference: 'ord-1', customerId: 'cust-1', amount: 500, currency: 'EUR' };
const { signal } = new AbortController();

describe('answers of a gateway', () => {
  let answer: (response: ServerResponse) => void = () => undefined;
  const server = createServer((_request, response) => answer(response));
  let url = '';
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const answered = (status: number, body: string) => {
    answer = (response) => void response.writeHead(status).end(body);
  };

  test.each([
    [201, '{"id":"ch-7"}', { kind: 'charged', paymentId: 'ch-7' }],
    [402, '{"error":"declined"}', { kind: 'declined' }],
    [402, 'no JSON', { kind: 'declined' }],
    [409, '{}', { kind: 'reversed' }],
  ])('%i %s to a charge is an outcome', async (status, body, outcome) => {
    answered(status, body);
    expect(await createGateway(url, 5_000).charge(REQUEST, 'k', signal)).toEqual(outcome);
  });

  test.each([
    [201, '{"id":7}', 'malformed-answer'],
    [201, 'no JSON', 'malformed-answer'],
    [201, `{"id":"${'x'.repeat(100_001)}"}`, 'malformed-answer'],
    [400, '{}', 'malformed-answer'],
    [429, '{}', 'quota'],
    [500, '{}', 'unavailable'],
    [503, '', 'unavailable'],
  ])('%i %.20s to a charge is tried again', async (status, body, code) => {
    answered(status, body);
    const charged = createGateway(url, 5_000).charge(REQUEST, 'k', signal);
    await expect(charged).rejects.toMatchObject({ code, retryable: true });
  });

  test.each([
    ['{"amount":0.5}', 'malformed-answer'],
    ['{"amount":"500"}', 'malformed-answer'],
  ])('%s to a refund is tried again: money has no fractions', async (body, code) => {
    answered(201, body);
    await expect(createGateway(url, 5_000).refund('ord-1', 'k', signal)).rejects.toMatchObject({ code });
  });

  test('no answer, a broken connection and a server that is gone are tried again', async () => {
    answer = () => undefined;
    const silent = createGateway(url, 50).charge(REQUEST, 'k', signal);
    await expect(silent).rejects.toMatchObject({
      code: 'timeout',
      message: 'payment gateway: no answer within 50 ms',
    });
    answer = (response) => response.destroy();
    const broken = createGateway(url, 5_000).charge(REQUEST, 'k', signal);
    await expect(broken).rejects.toMatchObject({ code: 'unavailable' });
    const gone = createGateway('http://127.0.0.1:1', 5_000).refund('ord-1', 'k', signal);
    await expect(gone).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the local gateway', () => {
  let local: LocalGateway;
  beforeAll(async () => {
    local = await startGateway();
  });
  afterAll(() => local.close());

  test('honours keys: the same request gets the same answer, and charges once', async () => {
    const gateway = createGateway(local.url, 5_000);
    const first = await gateway.charge(REQUEST, 'charge-1', signal);
    expect(await gateway.charge(REQUEST, 'charge-1', signal)).toEqual(first);
    expect(local.charges).toHaveLength(1);
    expect(await gateway.refund('ord-1', 'refund-1', signal)).toBe(500);
    expect(await gateway.refund('ord-1', 'refund-1', signal)).toBe(500);
    expect(local.charges).toMatchObject([{ isRefunded: true }]);
  });

  test('a refund of what was never charged pays nothing back, and keeps it from being charged', async () => {
    const gateway = createGateway(local.url, 5_000);
    expect(await gateway.refund('ord-2', 'refund-2', signal)).toBe(0);
    const late = await gateway.charge({ ...REQUEST, reference: 'ord-2' }, 'charge-2', signal);
    expect(late).toEqual({ kind: 'reversed' });
  });
});
