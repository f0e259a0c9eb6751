import type { Role } from '../shared/app/define-function.ts';
import { replaces, writesOnce } from '../shared/app/storage-roles.ts';

/** Writers replace these objects of a table only: caches, whose loss costs time and no rows. */
const CACHES = [{ endsWith: '/_delta_log/_last_checkpoint' }, { endsWith: '.bin' }];

/** Roles of a function that adds rows to tables, but cannot delete a table's files or log. */
export const addsRows = (reason: string): Role[] => [
  ...writesOnce('lake', reason),
  replaces('lake', CACHES, 'moves the hint at the newest checkpoint, and deletes old indexes of ids'),
];
