import type { Subject } from '../../shared/app/subject.ts';
import { recordedSubject } from '../record-event.ts';
import { readTick } from './record-tick.ts';

export const subjectOf = (input: unknown): Subject => recordedSubject(readTick(input).event);
