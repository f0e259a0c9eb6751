import { AppError } from '../../shared/core/errors.ts';
import { readEventText } from '../../shared/events/event-text.ts';
import { MAX_DEPTH } from './body.ts';

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
  readEventText(text, MAX_DEPTH);
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
