import type { GcloudError } from './gcloud.ts';
import { shown } from './step.ts';

interface About {
  project: string;
  region: string;
  text: string;
  /** What the first group of the pattern that matched holds. */
  found: string;
}

interface Mend {
  /** Any of these. */
  when: readonly RegExp[];
  /** One line: what is wrong, and what to do. */
  say(about: About): string;
}

/** The first that matches counts: what says more comes earlier. */
const MENDS: readonly Mend[] = [
  {
    when: [/gcloud: command not found/],
    say: () => 'gcloud is not installed: https://cloud.google.com/sdk/docs/install says how',
  },
  {
    when: [/do not currently have this command group installed/i, /Invalid choice: '(alpha|beta)'/],
    say: () => 'gcloud lacks its alpha and beta commands: run "gcloud components install alpha beta"',
  },
  {
    when: [
      /do not currently have an active account/,
      /Reauthentication/,
      /refreshing your current auth tokens|invalid_grant/,
      /UNAUTHENTICATED|invalid authentication credentials|HTTPError 401/,
    ],
    say: () => 'gcloud is not logged in, or no longer: run "gcloud auth login"',
  },
  {
    when: [
      /BILLING_DISABLED|UREQ_PROJECT_BILLING/,
      /billing account .*(not found|disabled|not open)/i,
      /billing must be enabled|requires billing/i,
    ],
    say: ({ project }) => noBilling(project),
  },
  {
    when: [
      /(?:has not been used in project|it is disabled)[\s\S]*?apis\/api\/([a-z]+\.googleapis\.com)/,
      /API \[([a-z]+\.googleapis\.com)\] not enabled/,
      /SERVICE_DISABLED[\s\S]*?service: '?([a-z]+\.googleapis\.com)/,
      /([a-z]+\.googleapis\.com)[^\n]* is (?:not enabled|disabled)/,
    ],
    say: ({ project, found }) =>
      `${found} is not enabled in ${project}: run "gcloud services enable ${found} --project=${project}", wait a minute, and run this again`,
  },
  {
    when: [/bucket name is not available|bucket names? .*already (exists|taken)|already own it/i],
    say: () => "a bucket's name is taken, since all projects share these names: choose another --prefix",
  },
  {
    when: [/[Mm]ax instances must be set to (\d+) or fewer/],
    say: ({ project, region, found }) =>
      found === '0'
        ? `${project} may have no instance of this size in ${region}: choose another --region, or ask for more at ${quotasOf(project)}`
        : `${project} may have at most ${found} instances of a function in ${region}: run this again with --max-instances ${found}, or ask for more at ${quotasOf(project)}`,
  },
  {
    when: [/[Cc]annot find metric that matches/],
    say: () =>
      'a metric that was made a moment ago is not yet known to alerts and dashboards: run this again in ten minutes; all else is done',
  },
  {
    when: [
      /Quota violated/,
      /RESOURCE_EXHAUSTED|quota exceeded|exceeded .*quota|rateLimitExceeded|HTTPError 429|status=\[429\]/i,
    ],
    say: ({ project, text }) =>
      `a quota of ${project} is used up (${oneLine(text, 200)}): wait, or ask for more at ${quotasOf(project)}, and run this again`,
  },
  {
    when: [
      /location constraint is not valid/i,
      /locations?[/ ]'?([a-z]+-[a-z]+\d+)'? ?(?:\(or it may not exist\)|is not found|is not supported|does not exist)/i,
      /Permission denied on 'locations\/([a-z0-9-]+)'/,
    ],
    say: ({ region, text }) =>
      `${region} is no region for it (${oneLine(text, 160)}): choose a --region of "gcloud functions regions list"`,
  },
  {
    when: [/constraints\/|organization policy|permitted customer/i],
    say: ({ text }) =>
      `an organization policy forbids it (${oneLine(text, 250)}): ask whoever keeps your organization's policies`,
  },
  {
    when: [
      /[Pp]ermission '?([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)'? (?:is )?denied/,
      /does not have ([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+) access/,
      /[Rr]equired "?'?([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)"?'? permission/,
    ],
    say: ({ project, found }) =>
      `you lack the permission ${found} in ${project}: ask an owner for a role that has it ("gcloud iam roles list --filter=includedPermissions:${found}"), or for roles/owner`,
  },
  {
    when: [/PERMISSION_DENIED|does not have permission|not authorized|HTTPError 403|status=\[403\]/i],
    say: ({ project, text }) =>
      `you lack a permission in ${project} (${oneLine(text, 250)}): ask an owner for a role that has it, or for roles/owner`,
  },
];

const quotasOf = (project: string): string =>
  `https://console.cloud.google.com/iam-admin/quotas?project=${project}`;

export const noBilling = (project: string): string =>
  `project ${project} has no billing account: run "gcloud billing projects link ${project} --billing-account=ACCOUNT" ("gcloud billing accounts list" has them)`;

/** One line for people: what is wrong and what to do. Undefined where nothing is known about it. */
export function mendOf(text: string, place: { project: string; region: string }): string | undefined {
  for (const { when, say } of MENDS) {
    const match = when.map((pattern) => pattern.exec(text)).find((found) => found !== null);
    if (match) return say({ ...place, text, found: match[1] ?? '' });
  }
  return undefined;
}

/** What went wrong, as the last line a user reads; with the command where nobody knows better. */
export function explain(error: GcloudError, place: { project: string; region: string }): string {
  const mend = mendOf(error.text, place);
  if (mend !== undefined) return mend;
  return `gcloud could not do it: ${oneLine(error.text, 600)}\nthe command was: ${shown(error.command)}`;
}

/** Without control characters, and without gcloud's own preamble. */
export function oneLine(text: string, limit: number): string {
  const line = text
    .replace(/^[\s\S]*?ERROR: \([\w.-]+\)\s*/, '')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
