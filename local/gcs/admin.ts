import { type Answer, type Call, empty, json, jsonBody } from './answer.ts';
import { invalid } from './errors.ts';
import { type Faults, parseFault } from './faults.ts';
import type { Outbox } from './server.ts';
import type { Latency, StatsKeeper } from './stats.ts';

interface AdminParts {
  faults: Faults;
  stats: StatsKeeper;
  outbox: Outbox;
  setLatency: (latency: Latency) => void;
  /** Identifies this server, whatever its address. */
  token: string;
}

type AdminHandler = (call: Call) => Answer | Promise<Answer>;

/** Endpoints for other processes, outside the API: faults, latency, counts, the outbox. */
export function adminRoute({ faults, stats, outbox, setLatency, token }: AdminParts) {
  const handlers: Record<string, AdminHandler> = {
    'GET /_health': () => json({ ok: true, token }),
    'GET /_stats': () => json(stats.read()),
    'DELETE /_stats': () => {
      stats.reset();
      return empty(204);
    },
    'GET /_faults': () => json(faults.list()),
    'POST /_faults': async (call) => {
      faults.add(parseFault(await jsonBody(call)));
      return json(faults.list());
    },
    'DELETE /_faults': ({ query }) => {
      const id = query.get('id');
      if (id === null) faults.clear();
      else if (!faults.remove(Number(id))) throw invalid(`id must be that of a fault, got ${id}`);
      return empty(204);
    },
    'POST /_latency': async (call) => {
      setLatency((await jsonBody(call)) as Latency);
      return empty(204);
    },
    'GET /_outbox': () => json(outbox.pending()),
    'POST /_outbox/ack': async (call) => {
      const { ids } = await jsonBody(call);
      const known = Array.isArray(ids) ? ids.filter((id) => outbox.ack(String(id))) : [];
      return json({ acknowledged: known });
    },
  };
  return (method: string, path: string): AdminHandler | undefined => handlers[`${method} ${path}`];
}
