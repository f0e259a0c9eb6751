import type { Answer, Call } from './answer.ts';
import { invalid } from './errors.ts';
import { type Faults, parseFault } from './faults.ts';
import type { StatsKeeper } from './stats.ts';

type AdminHandler = (call: Call) => Promise<Answer>;

/** Endpoints for other processes, outside the API: faults and counts. */
export function adminRoute(faults: Faults, stats: StatsKeeper) {
  const handlers: Record<string, AdminHandler> = {
    'GET /_health': async () => ({ ok: true }),
    'GET /_stats': async () => ({ ...stats.read() }),
    'DELETE /_stats': async () => {
      stats.reset();
      return {};
    },
    'GET /_faults': async () => ({ faults: faults.list() }),
    'POST /_faults': async (call) => {
      faults.add(parseFault(await call.body()));
      return { faults: faults.list() };
    },
    'DELETE /_faults': async ({ query }) => {
      const id = query.get('id');
      if (id === null) faults.clear();
      else if (!faults.remove(Number(id))) throw invalid(`id must be that of a fault, got ${id}`, 'id');
      return {};
    },
  };
  return (method: string, path: string): AdminHandler | undefined =>
    path.startsWith('/_') ? handlers[`${method} ${path}`] : undefined;
}
