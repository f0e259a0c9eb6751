import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { recordAudit } from './record-audit-log.ts';

export const { handle } = eventHandler(recordAudit);
