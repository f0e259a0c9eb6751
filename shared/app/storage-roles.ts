import type { NamePattern, Role } from './define-function.ts';

/**
 * Roles of a function that creates objects in a bucket and reads them, but overwrites and deletes none, so that a
 * mistake or a stolen token destroys nothing there.
 * @param on key of a bucket
 */
export function writesOnce(on: string, reason: string): Role[] {
  return ['roles/storage.objectViewer', 'roles/storage.objectCreator'].map((role) => ({ role, on, reason }));
}

/**
 * Role of a function that also overwrites and deletes objects, but only those with such names.
 * @param on key of a bucket
 */
export function replaces(on: string, names: readonly NamePattern[], reason: string): Role {
  return { role: 'roles/storage.objectUser', on, reason, names };
}

/** `videos/…/lease.json`. */
export const shownPattern = ({ startsWith = '', endsWith }: NamePattern): string =>
  `${startsWith}…${endsWith}`;
