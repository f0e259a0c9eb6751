import type { IncomingEvent } from './incoming-event.ts';

export function validateEvent(_event: IncomingEvent): void {}
