import type { Subject } from '../../shared/app/subject.ts';
import { recordedSubject } from '../record-event.ts';
import { readDeletion } from './record-deletion.ts';

export const subjectOf = (input: unknown): Subject => recordedSubject(readDeletion(input).event);
