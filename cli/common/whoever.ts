import { hostname, userInfo } from 'node:os';

/** Who runs the command, as far as this machine knows. */
export function whoever(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // an account without a name, as containers have
    return hostname();
  }
}
