import { sha256 } from '../../../shared/core/sha256.ts';
import type { PreparedEvent } from '../../../shared/events/publish.ts';

/** What a request asks for, and an answer repeats. */
export interface NewUser {
  email: string;
  name: string;
}

/** Write-once, under the hash of the address: whoever writes it has the address. */
export interface User extends NewUser {
  schemaVersion: 1;
  userId: string;
  /** RFC 3339. */
  createdAt: string;
}

/** What is about to be done: the user to record, and the event that says so. Deleted once the event is published. */
export interface Intent {
  schemaVersion: 1;
  user: User;
  event: PreparedEvent;
}

/** Write-once, under the hash of the idempotency key. */
export interface KnownRequest {
  schemaVersion: 1;
  userId: string;
  /** Hash of what it asks for. */
  fingerprint: string;
  /** RFC 3339. */
  startedAt: string;
}

export const OUTBOX = 'outbox/';

/** Addresses that differ only in case belong to one mailbox nearly everywhere. */
export const userName = (email: string): string => `users/${sha256(email.toLowerCase())}.json`;
export const intentName = (userId: string): string => `${OUTBOX}${userId}.json`;
export const requestName = (key: string): string => `requests/${sha256(key)}.json`;
