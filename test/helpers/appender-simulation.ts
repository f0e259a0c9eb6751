import { DeltaTable, eraseRows, type Row, readCommit, UniqueAppender } from '../../shared/delta/index.ts';
import { decodeDataPath } from '../../shared/delta/log/paths.ts';
import { scan } from '../../shared/delta/snapshot/scan.ts';
import { loadSnapshot, type Snapshot } from '../../shared/delta/snapshot/snapshot.ts';
import { fingerprintsIn, fingerprintsOf } from '../../shared/delta/unique/id-fingerprint.ts';
import { OFFERS_TAKEN } from '../../shared/delta/unique/turns.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { COLUMNS, idOf, memoryBucket } from './delta.ts';
import { randomFrom } from './random.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

export interface RunOptions extends Pick<SimulationOptions, 'faults' | 'crash'> {
  seed: number;
  appenders?: number;
  rows?: number;
  /** Erases rows, and compacts, while rows arrive. */
  withMaintenance?: boolean;
  steps?: number;
}

export interface RunResult {
  /** Each broken promise, in words. */
  violations: string[];
  /** Files that got into the table by another writer's commit. */
  taken: number;
  /** Requests that each appender sent. */
  requests: Record<string, number>;
  versions: number;
}

interface Submission {
  id: string;
  formerIds: readonly string[] | undefined;
  begun: number;
  /** Step of the answer; unknown outcomes have none, and may come true at any later time. */
  ended: number;
  answer?: { kind: string; version: number };
}

/**
 * Several appenders get overlapping rows while requests fail and one of them dies; then the log is replayed and each
 * promise checked: no id twice in any version, nothing acknowledged that its version lacks, nothing back after
 * its deletion, every row answered in the end.
 */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const {
    seed,
    appenders = 3,
    rows = 90,
    faults = 0,
    crash,
    withMaintenance = false,
    steps = 40_000,
  } = options;
  const random = randomFrom(seed);
  const bucket = memoryBucket();
  await DeltaTable.create(bucket, 'events', { columns: COLUMNS });
  const writtenAt = new Map<string, number>();
  const world = new Simulation({
    random,
    faults,
    ...(crash && { crash }),
    onWritten: (name) => writtenAt.set(name, world.count),
  });
  const submissions: Submission[] = [];
  // each id up to three times, and some rows known under a former id
  const todo = Array.from({ length: rows }, () => rowFor(Math.floor(random() * rows * 0.7)));
  const answered = new Set<string>();
  const underWay = new Map<string, Set<(typeof todo)[number]>>();
  let failure: unknown;

  const instance = async (name: string): Promise<void> => {
    const clock = world.clock(name);
    const mine = new Set<(typeof todo)[number]>();
    underWay.set(name, mine);
    const open = (): Promise<UniqueAppender> =>
      patiently(() =>
        UniqueAppender.open(
          { store: world.store(name, bucket), path: 'events' },
          { idColumn: 'id', clock, maxAgeMs: 5, commit: { attempts: 3 } },
        ),
      );
    const patiently = async <T>(act: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await act();
        } catch {
          await clock.sleep(10);
        }
      }
    };
    const appender = await open();
    const one = async (): Promise<void> => {
      for (;;) {
        const row = todo.shift();
        if (row === undefined) {
          if (isDone()) return;
          await clock.sleep(20);
          continue;
        }
        mine.add(row);
        const submission: Submission = {
          id: row.id,
          formerIds: row.formerIds,
          begun: world.count,
          ended: Number.POSITIVE_INFINITY,
        };
        submissions.push(submission);
        try {
          submission.answer = await appender.submit(row.row, { formerIds: row.formerIds });
          submission.ended = world.count;
          answered.add(row.id);
        } catch {
          todo.push(row);
        }
        mine.delete(row);
      }
    };
    await Promise.all([one(), one(), one()]);
    await appender.close();
  };
  const isDone = (): boolean => todo.length === 0 && [...underWay.values()].every(({ size }) => size === 0);
  const maintenance = async (): Promise<void> => {
    const clock = world.clock('maintenance');
    const table = await DeltaTable.open(world.store('maintenance', bucket), 'events', { clock });
    while (!isDone()) {
      const id = idOf(Math.floor(random() * rows * 0.7));
      await eraseRows(table, { id: { eq: id } }, { reason: 'test', clock }).catch(() => undefined);
      await clock.sleep(20);
      await table.compact({ idColumn: 'id', minFiles: 2 }).catch(() => undefined);
      await clock.sleep(20);
    }
  };

  const names = Array.from({ length: appenders }, (_, index) => `appender-${index}`);
  const ended = new Set<string>();
  const end = (name: string) => (): void => void ended.add(name);
  for (const name of names) {
    void instance(name).then(end(name), (error: unknown) => {
      failure = error;
    });
  }
  if (withMaintenance) void maintenance().then(end('maintenance'), end('maintenance'));
  const all = [...names, ...(withMaintenance ? ['maintenance'] : [])];
  const isOver = (): boolean => {
    for (const name of names.filter((one) => world.isDead(one))) {
      // redelivery: what the dead did not answer goes to the living
      todo.push(...(underWay.get(name) ?? []));
      underWay.get(name)?.clear();
    }
    return failure !== undefined || all.every((name) => ended.has(name) || world.isDead(name));
  };
  const isComplete = await world.run(isOver, steps);
  const violations = isComplete ? [] : [`not done after ${steps} steps`];
  if (failure !== undefined) violations.push(`an appender failed: ${String(failure)}`);
  const told = await replay(bucket, submissions, writtenAt);
  const isCertain = faults === 0 && crash === undefined && !withMaintenance;
  if (isCertain && told.added !== told.entered) {
    violations.push(`${told.entered} rows entered, and ${told.added} were acknowledged as added`);
  }
  const requests = Object.fromEntries(names.map((name) => [name, world.requestsOf(name)]));
  const { taken, versions } = told;
  return { taken, versions, violations: [...violations, ...told.violations], requests };
}

function rowFor(number: number) {
  const id = idOf(number);
  const row: Row = { id, n: BigInt(number), note: `row ${number}` };
  // which may be another row's id
  const formerIds = number % 5 === 0 ? [idOf(number + 1)] : undefined;
  return { id, row, formerIds };
}

async function replay(
  bucket: ObjectStore,
  submissions: readonly Submission[],
  writtenAt: ReadonlyMap<string, number>,
): Promise<Pick<RunResult, 'violations' | 'taken' | 'versions'> & { added: number; entered: number }> {
  const location = { store: bucket, path: 'events' };
  const head = await loadSnapshot(location);
  const violations: string[] = [];
  const idsOfFile = new Map<string, string[]>();
  const live = new Set<string>();
  const counts = new Map<string, number>();
  const byVersion: Map<string, number>[] = [];
  const deletedAt = new Map<string, number>();
  const entries = new Map<string, number>();
  let taken = 0;
  for (let version = 0; version <= head.version; version++) {
    const commit = await readCommit(location, version);
    if (commit === undefined) throw new Error(`version ${version} is missing`);
    const step = writtenAt.get(`events/_delta_log/${String(version).padStart(20, '0')}.json`) ?? 0;
    const before = new Map(counts);
    taken += Number(commit.commitInfo?.[OFFERS_TAKEN] ?? 0);
    for (const remove of commit.removes) {
      const path = decodeDataPath(remove.path);
      live.delete(path);
      for (const id of idsOfFile.get(path) ?? []) counts.set(id, (counts.get(id) ?? 0) - 1);
    }
    for (const add of commit.adds) {
      const path = decodeDataPath(add.path);
      if (idsOfFile.has(path)) violations.push(`${path} entered again with version ${version}`);
      const ids = await readIds(location, head, path, add);
      idsOfFile.set(path, ids);
      live.add(path);
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
      const told = fingerprintsIn(commit, add, 'id');
      // otherwise every appender has to read the file
      const isTold = told !== undefined || commit.commitInfo?.['idPrefixes'] === undefined;
      if (!isTold || (told && String(told) !== String(fingerprintsOf(ids)))) {
        violations.push(`${path}: wrong fingerprints`);
      }
    }
    for (const [id, count] of counts) {
      const was = before.get(id) ?? 0;
      if (count > 1) violations.push(`id ${id.slice(0, 8)} is in version ${version} ${count} times`);
      if (was > 0 && count === 0) deletedAt.set(id, step);
      if (was > 0 || count === 0) continue;
      entries.set(id, (entries.get(id) ?? 0) + 1);
      const deleted = deletedAt.get(id) ?? -1;
      const isWanted = submissions.some((one) => one.id === id && one.begun <= step && one.ended >= deleted);
      const former = submissions.find((one) => one.id === id)?.formerIds?.find((one) => before.get(one));
      if (former) violations.push(`id ${id.slice(0, 8)} entered version ${version} under a new name`);
      if (!isWanted) violations.push(`id ${id.slice(0, 8)} is back in version ${version} after its deletion`);
    }
    byVersion.push(new Map(counts));
  }
  const added = new Map<string, number>();
  for (const { id, answer } of submissions) {
    if (answer === undefined) continue;
    const isThere = (byVersion[answer.version]?.get(id) ?? 0) > 0;
    // a duplicate may be one of a former id
    if (answer.kind === 'added' && !isThere) {
      violations.push(`${id.slice(0, 8)} was acknowledged, and version ${answer.version} lacks it`);
    }
    if (answer.kind === 'added') added.set(id, (added.get(id) ?? 0) + 1);
  }
  for (const [id, count] of added) {
    if (count > (entries.get(id) ?? 0)) violations.push(`${id.slice(0, 8)} was added ${count} times`);
  }
  const sum = (numbers: Map<string, number>): number =>
    [...numbers.values()].reduce((total, one) => total + one, 0);
  return { violations, taken, versions: head.version, added: sum(added), entered: sum(entries) };
}

async function readIds(
  location: { store: ObjectStore; path: string },
  head: Snapshot,
  path: string,
  add: Parameters<Snapshot['withFiles']>[0] extends Iterable<readonly [string, infer A]> ? A : never,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const rows of scan(location, head.withFiles([[path, add]]), { columns: ['id'] })) {
    ids.push(...rows.map((row) => String(row.id)));
  }
  return ids;
}
