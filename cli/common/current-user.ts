import { hostname, userInfo } from 'node:os';

/** `user@host` of the process, for audit records. */
export function currentUser(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // containers may run as a user id without a name
    return hostname();
  }
}
