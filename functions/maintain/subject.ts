import { subjectOfTick } from '../../shared/app/tick-subject.ts';

/** A tick of the schedule. */
export const subjectOf = subjectOfTick('maintainTable', 'maintenance');
