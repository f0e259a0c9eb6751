import { eventHandler } from '../../shared/invocation/event-handler.ts';
import { videos } from './video-function.ts';

export const { handle } = eventHandler(videos);
