import { secretsOf, settingsOf } from '../shared/app/app-settings.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { FunctionSetting } from './api-types.ts';

/**
 * Settings with their values. `given` are those of a running function, without its secrets; undefined if unknown, as of
 * a deployed one. No secret is among them.
 */
export function describeSettings(
  definition: FunctionDefinition,
  given: Readonly<Record<string, string>> | undefined,
): FunctionSetting[] {
  const secrets = new Set(secretsOf(definition).map(({ name }) => name));
  return Object.entries(settingsOf(definition))
    .filter(([name, { secret }]) => !secret && !secrets.has(name))
    .map(([name, setting]): FunctionSetting => {
      const setBy: FunctionSetting['setBy'] = setting.setBy ?? 'operator';
      const common = { name, doc: setting.doc, setBy };
      if (given && Object.hasOwn(given, name)) return { ...common, from: 'given', value: given[name] ?? '' };
      if (setting.default === undefined) return { ...common, from: given ? 'nothing' : 'unknown' };
      return { ...common, from: given ? 'default' : 'unknown', value: textOf(setting.default) };
    });
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
