import type { GcloudError } from './gcloud.ts';
import { DISABLED, type Passing, passingOf } from './passing.ts';
import { DENIED } from './permissions.ts';
import { shown, shownFiles, wordsOf } from './step.ts';

interface About {
  project: string;
  region: string;
  text: string;
  /** First group of the pattern that matched. */
  found: string;
}

interface Remediation {
  /** Matches if any of these patterns does. */
  when: readonly RegExp[];
  /** It is about a permission that the caller lacks, or seems to. */
  isPermission?: true;
  /** Returns one line: what is wrong, and what to do. */
  say(about: About): string;
}

/** The first match counts: specific patterns come before general ones. */
const REMEDIATIONS: readonly Remediation[] = [
  {
    when: [/gcloud: command not found/],
    say: () => 'gcloud is not installed: see https://cloud.google.com/sdk/docs/install',
  },
  {
    when: [/do not currently have this command group installed/i, /Invalid choice: '(alpha|beta)'/],
    say: () =>
      'gcloud has no alpha and beta commands: run "gcloud components install alpha beta"; if gcloud came from a package, update that instead',
  },
  {
    when: [
      /do not currently have an active account/,
      /Reauthentication/,
      /refreshing your current auth tokens|invalid_grant/,
      /UNAUTHENTICATED|invalid authentication credentials|HTTPError 401/,
    ],
    say: () => 'gcloud is not logged in, or its login expired: run "gcloud auth login"',
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
    when: DISABLED,
    say: ({ project, found }) =>
      `${found} is not enabled in ${project}: run "gcloud services enable ${found} --project=${project}", wait a minute, and run this again`,
  },
  {
    when: [/bucket name is not available|bucket names? .*already (exists|taken)|already own it/i],
    say: () => "a bucket's name is already taken (bucket names are global): choose another --prefix",
  },
  {
    when: [/[Mm]ax instances must be set to (\d+) or fewer/],
    say: ({ project, region, found }) =>
      found === '0'
        ? `${project} has no quota for an instance of this size in ${region}: choose another --region, or request more at ${quotasOf(project)}`
        : `${project} has quota for at most ${found} instances of a function in ${region}: run this again with --max-instances ${found}, or request more at ${quotasOf(project)}`,
  },
  {
    // https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects
    when: [/no concurrent builds quota available|concurrent builds? quota/i],
    say: ({ project, region }) =>
      `builds of ${project} are not allowed in ${region}: new projects may build in us-central1, us-west2, europe-west1, asia-east1, australia-southeast1 and southamerica-east1 only: choose one of them as --region, or request builds in ${region} at ${quotasOf(project)}`,
  },
  {
    when: [
      /Quota violated/,
      /RESOURCE_EXHAUSTED|quota exceeded|exceeded .*quota|rateLimitExceeded|HTTPError 429|status=\[429\]/i,
    ],
    say: ({ project, text }) =>
      `a quota of ${project} is exhausted (${oneLine(text, 200)}): wait, or request more at ${quotasOf(project)}, and run this again`,
  },
  {
    when: [
      /location constraint is not valid/i,
      /locations?[/ ]'?([a-z]+-[a-z]+\d+)'? ?(?:\(or it may not exist\)|is not found|is not supported|does not exist)/i,
      /Permission denied on 'locations\/([a-z0-9-]+)'/,
    ],
    say: ({ region, text }) =>
      `${region} does not support it (${oneLine(text, 160)}): choose a --region from "gcloud functions regions list"`,
  },
  {
    when: [/constraints\/|organization policy|permitted customer/i],
    say: ({ text }) =>
      `an organization policy forbids it (${oneLine(text, 250)}): ask the administrator of your organization's policies`,
  },
  {
    when: DENIED,
    isPermission: true,
    say: ({ project, found }) =>
      `you lack the permission ${found} in ${project}: ask an owner for a role that includes it ("gcloud iam roles list --filter=includedPermissions:${found}"), or for roles/owner`,
  },
  {
    when: [/PERMISSION_DENIED|does not have permission|not authorized|HTTPError 403|status=\[403\]/i],
    isPermission: true,
    say: ({ project, text }) =>
      `you lack a permission in ${project} (${oneLine(text, 250)}): ask an owner for a role that includes it, or for roles/owner`,
  },
];

const quotasOf = (project: string): string =>
  `https://console.cloud.google.com/iam-admin/quotas?project=${project}`;

export const noBilling = (project: string): string =>
  `project ${project} has no billing account: run "gcloud billing projects link ${project} --billing-account=ACCOUNT" ("gcloud billing accounts list" lists them)`;

/** True if nothing but a permission of the caller is the matter. */
export const isAboutPermission = (text: string): boolean =>
  REMEDIATIONS.find(({ when }) => when.some((pattern) => pattern.test(text)))?.isPermission === true;

/** One line for people: what is wrong and what to do. Undefined for an unknown error. */
export function remediationOf(text: string, place: { project: string; region: string }): string | undefined {
  for (const { when, say } of REMEDIATIONS) {
    const match = when.map((pattern) => pattern.exec(text)).find((found) => found !== null);
    if (match) return say({ ...place, text, found: match[1] ?? '' });
  }
  return undefined;
}

/**
 * Explains the error on the last line that the user reads. An unknown error is shown with commands that bash can run
 * again.
 */
export function explain(error: GcloudError, place: { project: string; region: string }): string {
  const { command, text } = error;
  const passing = error.passing ?? passingOf(text, wordsOf(command));
  if (passing !== undefined && passing.kind !== 'rate') return explainPassing(passing, text);
  const remediation = remediationOf(text, place);
  if (remediation !== undefined) return remediation;
  const lines = [...shownFiles(command), shown(command)];
  const again = [...(lines.some((line) => line.includes('$FILES')) ? ['FILES=$(mktemp -d)'] : []), ...lines];
  return `gcloud failed: ${oneLine(text, 600)}\nthe command was:\n${again.join('\n')}`;
}

function explainPassing({ kind, what }: Passing, text: string): string {
  const said = oneLine(text, 400);
  switch (kind) {
    case 'busy':
      return `another change is in progress: run it again in a few minutes; what is done stays done (${said})`;
    case 'unknown':
      return `${what} is not known everywhere yet: run it again in ten minutes; what is done stays done (${said})`;
    default:
      return `a service of Google failed: run it again in a few minutes; what is done stays done (${said})`;
  }
}

/** Reduces text to one line, without control characters and gcloud's preamble. */
export function oneLine(text: string, limit: number): string {
  const line = text
    .replace(/^[\s\S]*?ERROR: \([\w.-]+\)\s*/, '')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
