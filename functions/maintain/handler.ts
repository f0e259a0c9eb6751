import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { maintenance } from './maintain-function.ts';

export const { handle } = eventHandler(maintenance);
