import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { answers } from './question-function.ts';

export const { handle } = eventHandler(answers);
