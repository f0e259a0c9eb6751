import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { recordDeletion } from './record-deletion.ts';

export const { handle } = eventHandler(recordDeletion);
