import { invalid } from './errors.ts';

export type Kind = 'topics' | 'subscriptions';

/** `projects/P/topics/T`; throws the API's 400 if the last part is an invalid id. */
export function resourceName(project: string, kind: Kind, id: string): string {
  const name = `projects/${project}/${kind}/${id}`;
  const found = name.length > 1_000 ? `${name.slice(0, 1_000)}…` : name;
  if (!isProject(project) || !isId(id)) {
    throw invalid(
      `Invalid [${kind}] name: (name=${found}): 3 to 255 of A-Z a-z 0-9 - _ . ~ + % are allowed, a letter first, and not "goog"`,
    );
  }
  return name;
}

/** The same for a full name in a body. */
export function checkName(kind: Kind, name: string, field: string): string {
  const [projects, project, found, id, ...rest] = name.split('/');
  if (projects !== 'projects' || found !== kind || id === undefined || rest.length > 0) {
    throw invalid(
      `Invalid [${kind}] name: (name=${name.slice(0, 1_000)}): must be projects/*/${kind}/*`,
      field,
    );
  }
  return resourceName(project!, kind, id);
}

/** `T` of `projects/P/topics/T`. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

export function projectOf(name: string): string {
  return name.split('/')[1] ?? '';
}

function isId(id: string): boolean {
  return /^[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/.test(id) && !id.startsWith('goog');
}

function isProject(project: string): boolean {
  return /^(?:[a-z][a-z0-9.]*:)?[a-z0-9-]{1,63}$/.test(project);
}
