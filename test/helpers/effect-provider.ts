import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request that reached the provider: its effect has happened. */
export interface Charge {
  event: string;
  key: string;
  pid: number;
}

export interface Provider {
  url: string;
  /** In the order of arrival. */
  charges: readonly Charge[];
  close(): Promise<void>;
}

/** An external provider whose effects cannot be undone. Calls `onCharge` after each effect, before it answers. */
export async function startProvider(onCharge: (charge: Charge, index: number) => void): Promise<Provider> {
  const charges: Charge[] = [];
  const server = createServer((request, response) => {
    const { 'x-event': event, 'idempotency-key': key, 'x-pid': pid } = request.headers;
    const charge = { event: String(event), key: String(key), pid: Number(pid) };
    charges.push(charge);
    onCharge(charge, charges.length - 1);
    request.resume();
    void sleep(20).then(() => response.end(`receipt of ${charge.event}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    charges,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
