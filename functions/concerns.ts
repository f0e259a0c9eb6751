import type { ConcernedEvent, ConcernedObject } from '../shared/dead-letters/records.ts';
import { eventIdOf } from '../shared/runtime/cloud-event.ts';
import type { FunctionName } from './triggers.ts';

/** What an event was about, by the parser of the function that it was for. */
export interface Concern {
  /** 64 hex digits. */
  eventId: string;
  /** Under which its failed attempts are kept: 64 hex digits. */
  historyId: string;
  about: ConcernedObject | ConcernedEvent | undefined;
  correlationId: string | undefined;
  /** What is there when the event has been settled: the object in the frames bucket, or all rows of these ids. */
  settled: { manifest: string } | { rows: string[] } | undefined;
}

/** Throws a refusal where the function would; undefined for functions that no event is known of. */
export async function concernOf(functionName: string, input: unknown): Promise<Concern | undefined> {
  return Object.hasOwn(parsers, functionName) ? parsers[functionName as FunctionName](input) : undefined;
}

const parsers: Record<FunctionName, (input: unknown) => Promise<Concern | undefined>> = {
  async processVideo(input) {
    const [{ parseVideoEvent }, { uploadIdOf, videoNames }, { correlationIdOf }] = await Promise.all([
      import('./video/video-object.ts'),
      import('./video/records.ts'),
      import('./video/manifest-draft.ts'),
    ]);
    const { event, object } = parseVideoEvent(input);
    return {
      eventId: eventIdOf(event),
      historyId: uploadIdOf(object),
      about: { kind: 'object', ...object },
      correlationId: correlationIdOf(event.extensions['correlationid'], object),
      settled: { manifest: videoNames(object).manifest },
    };
  },

  async ingestEvent(input) {
    const { parseIncomingMessage, LENIENT } = await import('./ingest/incoming-message.ts');
    const { event, eventId = eventIdOf(event), read } = parseIncomingMessage(input, LENIENT);
    const good = read.outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [outcome.event] : []));
    const isAllGood = good.length > 0 && good.length === read.outcomes.length;
    const only = read.mode === 'batch' ? undefined : good[0];
    return {
      eventId,
      historyId: eventId,
      about: { kind: 'event', id: only?.ceId, type: only?.type ?? read.mode, source: only?.source },
      correlationId: only?.correlationId,
      // what is no event has no row: nothing tells whether it became a dead letter of its own
      settled: isAllGood ? { rows: good.map((one) => one.eventId) } : undefined,
    };
  },

  async maintainTable(input) {
    const { parseTick } = await import('./ingest/maintain-tick.ts');
    const { eventId } = parseTick(input);
    const about = { kind: 'event', id: undefined, type: 'maintenance', source: undefined } as const;
    return { eventId, historyId: eventId, about, correlationId: undefined, settled: undefined };
  },

  async inspectDeadLetter() {
    return undefined;
  },
};
