import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../functions/video/manifest.ts';
import { DeltaTable } from '../../../shared/delta/index.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { binaryRequest } from '../../helpers/events.ts';
import type { IngestScene } from '../../helpers/ingest.ts';
import { forwarding } from '../../helpers/letters.ts';
import { messageEvent, structured } from '../../helpers/messages.ts';
import type { Pipeline } from '../../helpers/pipeline.ts';
import type { Delivery } from './sender.ts';

export const NEIGHBOURS = 200;

/** An event as Eventarc delivers it. */
export function deliveryOf(event: Record<string, unknown>): Delivery {
  const { headers, body } = binaryRequest(event);
  return { headers, body: [Buffer.from(body)] };
}

export const neighbourId = (index: number): string => `neighbour-${index}`;

/** Innocent events of one kilobyte with ids `neighbourId(0)` and so on. */
export function eventNeighbours(count = NEIGHBOURS): Delivery[] {
  return Array.from({ length: count }, (_, index) => {
    const data = { order: neighbourId(index), note: 'n'.repeat(800) };
    return deliveryOf(messageEvent(structured({ id: neighbourId(index), data })));
  });
}

/** Throws unless each event of `eventNeighbours(count)` is in the table once. */
export async function endedInTable(scene: IngestScene, count = NEIGHBOURS): Promise<void> {
  const seen = new Map<string, number>();
  const table = await DeltaTable.open(scene.lake, 'events');
  for await (const rows of table.scan({ columns: ['ce_id'] })) {
    for (const { ce_id: id } of rows) seen.set(String(id), (seen.get(String(id)) ?? 0) + 1);
  }
  const wrong = Array.from({ length: count }, (_, index) => neighbourId(index)).filter(
    (id) => seen.get(id) !== 1,
  );
  if (wrong.length > 0) {
    throw new Error(`${wrong.length} of ${count} neighbours are not in the table once, ${wrong[0]} for one`);
  }
}

/** Dead letters of innocent events, for inspectDeadLetter's topic; each becomes its own letter. */
export function letterNeighbours(count = NEIGHBOURS): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    data: JSON.stringify({ order: neighbourId(index) }),
    attributes: forwarding('eventarc-ingestEvent'),
  }));
}

export interface UploadNeighbours {
  /** Resolves when all have succeeded; rejects with the first that did not. */
  ended(): Promise<void>;
}

/**
 * Innocent uploads. An instance takes one at a time, so all but `clips` of them are cheap: files that are no
 * videos, which correctly end as manifests with `unsupported-media`.
 */
export async function uploadNeighbours(
  pipeline: Pipeline,
  { clip, clips = 2, count = NEIGHBOURS }: { clip: string; clips?: number; count?: number },
): Promise<UploadNeighbours> {
  const note = join(pipeline.dir, 'neighbour.txt');
  await writeFile(note, 'no video, and no harm either\n');
  const uploads = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      index < clips
        ? pipeline.upload(clip, `neighbour-${index}.mp4`)
        : pipeline.upload(note, `neighbour-${index}.txt`),
    ),
  );
  return {
    async ended() {
      await Promise.all(
        uploads.map(async (upload, index) => {
          const manifest = await pipeline.manifestOf(upload);
          const end = endOf(manifest);
          const wanted = index < clips ? /^(framed|no-moment)$/ : /^rejected unsupported-media$/;
          if (!wanted.test(end)) throw new Error(`${upload.name} ended as ${end}`);
        }),
      );
    },
  };
}

function endOf({ outcome, rejection }: Manifest): string {
  return rejection ? `${outcome} ${rejection.code}` : outcome;
}
