import { core } from '../../functions/app.ts';
import { inspection } from '../../functions/dead-letter/dead-letter-function.ts';
import { inspectDeadLetter } from '../../functions/dead-letter/definition.ts';
import { createLogger } from '../../shared/core/log.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord, LetterSummary } from '../../shared/dead-letters/records.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { openHandler } from '../../shared/invocation/event-handler.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { Storage } from '../../shared/storage/object-store.ts';

/** The inspector without a process around it. */
export interface MemoryInspector {
  storage: Storage;
  logs: Record<string, unknown>[];
  /** Resolves if the function would answer 2xx. */
  deliver(input: unknown): Promise<void>;
  letters(): Promise<LetterSummary[]>;
  deaths(): Promise<DeathRecord[]>;
  /** Rows of the table. */
  rows(): Promise<ScannedRow[]>;
}

export function startMemoryInspector(storage: Storage = createMemoryStorage()): MemoryInspector {
  const logs: Record<string, unknown>[] = [];
  const env = { STATE_BUCKET: 'state', FRAMES_BUCKET: 'frames', LAKE_BUCKET: 'lake', FLUSH_MS: '0' };
  const log = createLogger({ write: (line) => void logs.push(JSON.parse(line)) });
  const host = { app: core, definition: inspectDeadLetter, env, services: { storage, log } };
  const opened = openHandler(inspection, host);
  const state = storage.bucket('state');
  return {
    storage,
    logs,
    deliver: async (input) => void (await (await opened)(input)),
    letters: () => listLetters(state),
    async deaths() {
      const deaths: DeathRecord[] = [];
      for await (const { name } of state.list({ prefix: 'dead-letters/' })) {
        if (!name.includes('/death-')) continue;
        deaths.push(JSON.parse(Buffer.from((await state.get(name))!.body).toString()));
      }
      return deaths;
    },
    async rows() {
      const table = await DeltaTable.open(storage.bucket('lake'), 'dead-letters').catch(() => undefined);
      return table ? collectRows(table.scan()) : [];
    },
  };
}
