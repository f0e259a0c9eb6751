import { createHash } from 'node:crypto';

/**
 * One argument of gcloud. `content` is passed in a temporary file, as the flag's value or by itself; a script gets it
 * from the shell expression `asked` instead, if an earlier command of the script changes it. A `shell` expression
 * depends on an earlier command, so it can be printed, but not run.
 */
export type Arg =
  | string
  | { flag?: string; content: string; asked?: string }
  | { flag?: string; shell: string };

export type Verb = 'enable' | 'create' | 'update' | 'grant' | 'revoke' | 'delete';

/** One change: what, why, and the command that makes it. */
export interface Step {
  verb: Verb;
  /** `bucket demo-pipeline-raw`. */
  what: string;
  why: string;
  command: readonly Arg[];
  /** Steps of the same lane run in order, since they change the same resource. */
  lane?: string;
  /** Finished before any other step of its part begins. */
  isAlone?: true;
}

/** The command without its flags: `pubsub topics create NAME`. */
export const wordsOf = (command: readonly Arg[]): string =>
  command.filter((arg) => typeof arg === 'string' && !arg.startsWith('--')).join(' ');

/** Formats the command for bash, to run after `shownFiles`. */
export function shown(command: readonly Arg[]): string {
  return ['gcloud', ...command.map(shownArg)].join(' ');
}

/** Shell commands that write a command's files to the folder `$FILES`, because gcloud cannot read pipes. */
export function shownFiles(command: readonly Arg[]): string[] {
  return command.flatMap((arg) =>
    typeof arg !== 'string' && 'content' in arg && arg.asked === undefined
      ? [`printf %s ${singleQuoted(arg.content)} >"$FILES/${fileName(arg.content)}"`]
      : [],
  );
}

const fileName = (content: string): string =>
  `${createHash('sha256').update(content).digest('hex').slice(0, 8)}.json`;

function shownArg(arg: Arg): string {
  if (typeof arg === 'string') return shellQuoted(arg);
  if ('content' in arg) {
    if (arg.asked !== undefined) return `"${arg.asked}"`;
    const file = `"$FILES/${fileName(arg.content)}"`;
    return arg.flag === undefined ? file : `${arg.flag}=${file}`;
  }
  return arg.flag === undefined ? `"${arg.shell}"` : `${arg.flag}="${arg.shell}"`;
}

function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  const flag = /^(--[a-z-]+=)(.*)$/s.exec(text);
  return flag ? flag[1] + singleQuoted(flag[2]!) : singleQuoted(text);
}

const singleQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
