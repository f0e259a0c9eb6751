import { subjectOfMessage } from '../../shared/app/message-subject.ts';
import type { Subject } from '../../shared/app/subject.ts';

/** The events of a message, settled once all of them have a row. */
export const subjectOf = (input: unknown): Subject => subjectOfMessage(input, (rows) => ({ rows }));
