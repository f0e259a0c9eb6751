import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { ingest } from './ingest-function.ts';

export const { handle } = eventHandler(ingest);
