import type { State } from './cloud.ts';
import type { JsonObject } from './shapes.ts';

/** A project as it can be compared: no etags and no numbers that are new each time. */
export interface Picture {
  services: string[];
  /** By full name; numbers that the platform makes up are `N`. */
  resources: Record<string, JsonObject>;
  /** `<resource> <role> <member>`, sorted. */
  bindings: string[];
}

const CHANGING = new Set([
  'etag',
  'revision',
  'metageneration',
  'updateTime',
  'uniqueId',
  'uid',
  'effectiveTime',
]);

export function picture(state: State): Picture {
  const resources: Record<string, JsonObject> = {};
  for (const [name, resource] of [...state.resources].sort(([a], [b]) => (steady(a) < steady(b) ? -1 : 1))) {
    // What was uploaded is the platform's, and is gone a while later.
    if (name.startsWith('uploads/')) continue;
    const text = JSON.stringify(resource, (key, value) => (CHANGING.has(key) ? undefined : value));
    const shown: JsonObject = JSON.parse(steady(text));
    // Alert policies and dashboards are told apart by what they are called.
    const key = steady(name).replace(/\/N$/, `/${String(shown['displayName'])}`);
    resources[key] = shown;
  }
  const bindings: string[] = [];
  for (const [name, policy] of state.policies) {
    for (const { role, members } of policy.bindings) {
      for (const member of members) bindings.push(`${steady(name)} ${role} ${member}`);
    }
  }
  return { services: [...state.services].sort(), resources, bindings: bindings.sort() };
}

function steady(text: string): string {
  return text
    .replace(/-1\d{5}-sub-\d+/g, '-N-sub-N')
    .replace(/(topics\/eventarc-[\w-]+)-1\d{5}-\d+/g, '$1-N-N')
    .replace(/(triggers\/[\w-]+)-1\d{5}/g, '$1-N')
    .replace(/source-\d+\.zip/g, 'source-N.zip')
    .replace(/(alertPolicies|conditions)\/\d+/g, '$1/N')
    .replace(/dashboards\/d\d+/g, 'dashboards/N');
}
