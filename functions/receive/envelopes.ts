import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { type JsonText, readJsonElements, readJsonText } from '../../shared/core/json-text.ts';
import {
  ENVELOPE_MEMBERS,
  VENDOR_ENVELOPES,
  type Vendor,
  type VendorEnvelope,
} from '../../shared/events/vendor-envelopes.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { MAX_DEPTH, MAX_EVENTS, scan } from './json-body.ts';
import { type Member, memberReader, messageOf } from './members.ts';
import type { Source } from './sources.ts';

/** One envelope of EventBridge or Event Grid, or an array of them, whose bad members are set apart. */
export function envelopesOf(vendor: Vendor, source: Source, text: string): Member[] {
  const found: Member[] = [];
  const read = (item: JsonText): void => {
    if (found.length === MAX_EVENTS) {
      throw new AppError('too-large', `body must have at most ${MAX_EVENTS} events, got more`);
    }
    found.push(elementOf(vendor, source, text, item));
  };
  const kind = scan(() => readJsonElements(text, { maxDepth: MAX_DEPTH + 1 }, ENVELOPE_MEMBERS, read));
  if (kind === 'array') return found;
  const root = scan(() => readJsonText(text, { maxDepth: MAX_DEPTH }, ENVELOPE_MEMBERS));
  return [{ kind: 'event', message: envelope(vendor, source, text, root) }];
}

function elementOf(vendor: Vendor, source: Source, text: string, item: JsonText): Member {
  try {
    return { kind: 'event', message: envelope(vendor, source, text, item) };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', error, text: text.slice(item.start, item.end) };
  }
}

/** The whole envelope is the data: its account, region, resources and versions are kept. */
function envelope(vendor: Vendor, source: Source, text: string, item: JsonText): OutgoingMessage {
  if (item.kind !== 'object') {
    throw new AppError('invalid-event', `event must be a JSON object, got JSON of kind ${item.kind}`);
  }
  const read = memberReader(text, item.members);
  const names: VendorEnvelope = VENDOR_ENVELOPES[vendor];
  const attributes = {
    id: read(names.id),
    source: read(names.source),
    type: read(names.type),
    time: read(names.time),
    // Event Grid allows an empty one, CloudEvents does not
    subject: names.subject === undefined ? undefined : read(names.subject) || undefined,
  };
  return messageOf(source, attributes, text.slice(item.start, item.end));
}

/** https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema */
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';
/** In characters; a real one has less than two thousand. */
const MAX_VALIDATION = 16_384;

/**
 * The code by which Event Grid asks whether its endpoint wants events; undefined for events. Throws `invalid-event`
 * if the question has none.
 */
export function validationCode(text: string): string | undefined {
  if (text.length > MAX_VALIDATION || !text.includes(VALIDATION)) return undefined;
  // checked first: the scan refuses what JSON.parse would guess
  scan(() => readJsonText(text, { maxDepth: MAX_DEPTH }));
  const parsed: unknown = JSON.parse(text);
  const [event] = Array.isArray(parsed) ? (parsed as (ValidationEvent | null)[]) : [];
  if (event?.eventType !== VALIDATION) return undefined;
  const code = event.data?.validationCode;
  if (typeof code === 'string' && /^[\w-]{1,256}$/.test(code)) return code;
  throw new AppError('invalid-event', 'validationCode must be 1 to 256 letters, digits and dashes');
}

interface ValidationEvent {
  eventType?: unknown;
  data?: { validationCode?: unknown } | null;
}
