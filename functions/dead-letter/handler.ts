import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { inspection } from './dead-letter-function.ts';

export const { handle } = eventHandler(inspection);
