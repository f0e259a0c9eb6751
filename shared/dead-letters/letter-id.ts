import { sha256 } from '../core/sha256.ts';

/** Id of the dead letters of one event and one function: 32 hex digits. `eventId` has 64. */
export function letterOf(functionName: string, eventId: string): string {
  return sha256(JSON.stringify([functionName, eventId])).slice(0, 32);
}
