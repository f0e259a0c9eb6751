/** One of the commands of `pipeline`. */
export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** Returns the exit code: 0 done, 1 something was rejected or failed, 2 wrong usage. */
  run(args: string[]): Promise<number>;
}
