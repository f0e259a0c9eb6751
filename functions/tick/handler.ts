import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { recordTick } from './record-tick.ts';

export const { handle } = eventHandler(recordTick);
