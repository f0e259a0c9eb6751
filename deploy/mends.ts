import type { GcloudError } from './gcloud.ts';
import { shown } from './step.ts';

interface About {
  project: string;
  region: string;
  text: string;
  /** What the pattern's group held. */
  found: string;
}

interface Mend {
  when: RegExp;
  /** One line: what is wrong, and what to do. */
  say(about: About): string;
}

/** First match counts: the more a pattern says, the earlier it comes. */
const MENDS: readonly Mend[] = [
  {
    when: /gcloud: command not found/,
    say: () => 'gcloud is not installed: https://cloud.google.com/sdk/docs/install says how',
  },
  {
    when: /components? \[?(alpha|beta)\]?|You do not currently have this command group installed|Invalid choice: '(alpha|beta)'/i,
    say: () => 'gcloud lacks its alpha and beta commands: run "gcloud components install alpha beta"',
  },
  {
    when: /do not currently have an active account|Reauthentication|refresh.* tokens|invalid_grant|UNAUTHENTICATED|invalid authentication credentials/i,
    say: () => 'gcloud is not logged in, or no longer: run "gcloud auth login"',
  },
  {
    when: /BILLING_DISABLED|UREQ_PROJECT_BILLING|billing account .*(not found|disabled|not open)|billing must be enabled|requires billing/i,
    say: ({ project }) => noBilling(project),
  },
  {
    when: /([a-z]+\.googleapis\.com)[^\n]*(SERVICE_DISABLED|has not been used|is disabled|is not enabled)|SERVICE_DISABLED[\s\S]*?([a-z]+\.googleapis\.com)|API \[([a-z]+\.googleapis\.com)\] not enabled/i,
    say: ({ project, found }) =>
      `${found} is not enabled in ${project}: run "gcloud services enable ${found} --project=${project}", wait a minute, and run this again`,
  },
  {
    when: /bucket (?:you tried to create |name )?.*(?:already exists|is not available|already own)|HTTPError 409.*bucket|The requested bucket name is not available/i,
    say: () =>
      "the name of a bucket is taken, by somebody else's project or a moment ago by yours: choose another --prefix",
  },
  {
    when: /RESOURCE_EXHAUSTED|quota (?:metric|exceeded|limit)|Quota .*exceeded|rateLimitExceeded|HTTPError 429/i,
    say: ({ project, text }) =>
      `a quota of ${project} is used up (${oneLine(text, 160)}): wait, or ask for more at https://console.cloud.google.com/iam-admin/quotas?project=${project}, and run this again`,
  },
  {
    when: /constraint|org(anization)? ?policy|FAILED_PRECONDITION.*polic/i,
    say: ({ text }) =>
      `an organization policy forbids it (${oneLine(text, 200)}): ask whoever keeps your organization's policies`,
  },
  {
    when: /(?:permission|PERMISSION)[ _](?:DENIED: )?.*?'?([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)'?/,
    say: ({ project, found }) =>
      `you lack the permission ${found} in ${project}: ask an owner for a role that has it ("gcloud iam roles list --filter=includedPermissions:${found}"), or for roles/owner`,
  },
  {
    when: /PERMISSION_DENIED|does not have permission|HTTPError 403|forbidden|may not exist/i,
    say: ({ project, text }) =>
      `you lack a permission in ${project} (${oneLine(text, 200)}): ask an owner for roles/owner, or for the roles in docs/roles.md`,
  },
  {
    when: /location .*(?:not (?:found|supported|valid)|unsupported|invalid)|Region .*not|Locations? .* is not/i,
    say: ({ region, text }) =>
      `${region} does not have it (${oneLine(text, 160)}): choose a --region of "gcloud functions regions list"`,
  },
];

export const noBilling = (project: string): string =>
  `project ${project} has no billing account: run "gcloud billing projects link ${project} --billing-account=ACCOUNT" ("gcloud billing accounts list" has them)`;

/** One line for people: what is wrong and what to do. Undefined where nothing is known about it. */
export function mendOf(text: string, place: { project: string; region: string }): string | undefined {
  for (const { when, say } of MENDS) {
    const match = when.exec(text);
    if (!match) continue;
    const found = match.slice(1).find((group) => group?.includes('.')) ?? '';
    return say({ ...place, text, found });
  }
  return undefined;
}

/** What went wrong, as the last lines a user reads. */
export function explain(error: GcloudError, place: { project: string; region: string }): string {
  const mend = mendOf(error.text, place);
  if (mend !== undefined) return mend;
  return `gcloud could not do it: ${oneLine(error.text, 600)}\nthe command was: ${shown(error.command)}`;
}

/** Without control characters, and without gcloud's own preamble. */
export function oneLine(text: string, limit: number): string {
  const line = text
    .replace(/^ERROR: \([\w.-]+\)\s*/, '')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
