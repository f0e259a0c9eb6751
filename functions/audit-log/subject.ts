import type { Subject } from '../../shared/app/subject.ts';
import { recordedSubject } from '../record-event.ts';
import { readAuditEvent } from './record-audit-log.ts';

export const subjectOf = (input: unknown): Subject => recordedSubject(readAuditEvent(input).event);
