import type { Gcloud } from './gcloud.ts';

/** Google's ways to name a permission that is lacking; the first group is its name. */
export const DENIED: readonly RegExp[] = [
  /[Pp]ermission ['"]?([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)['"]? (?:is )?denied/,
  /does not have ([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+) access/,
  /[Rr]equired "?'?([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)"?'? permission/,
];

/** True if the service refused the caller, whether or not it named the permission. */
export const isDenied = (text: string): boolean =>
  /PERMISSION_DENIED|does not have permission|not authorized|HTTPError 403|status=\[403\]/i.test(text) ||
  deniedIn(text) !== undefined;

/** The permission that the error says is lacking; undefined if it names none. */
export function deniedIn(text: string): string | undefined {
  return DENIED.map((pattern) => pattern.exec(text)?.[1]).find((name) => name !== undefined);
}

interface Where {
  gcloud: Pick<Gcloud, 'text'>;
  project: string;
  env: NodeJS.ProcessEnv;
}

/** Those of the permissions that the caller holds on the project; undefined if Google does not say. */
export async function heldPermissions(
  permissions: readonly string[],
  { gcloud, project, env }: Where,
): Promise<ReadonlySet<string> | undefined> {
  const token = (await gcloud.text('auth', 'print-access-token')).trim();
  const base =
    env['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER'] ??
    'https://cloudresourcemanager.googleapis.com/';
  const answer = await fetch(new URL(`v1/projects/${project}:testIamPermissions`, base), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ permissions }),
    signal: AbortSignal.timeout(30_000),
  }).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const { permissions: held = [] } = (await answer.json()) as { permissions?: string[] };
  return new Set(held);
}
