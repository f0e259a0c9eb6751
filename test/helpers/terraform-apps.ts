import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { secretsOf } from '../../shared/app/app-settings.ts';
import { loadApp } from '../../shared/app/load-app.ts';
import { PLACE, PROJECT, type Site, succeeded } from './control-plane/site.ts';

/** Arguments that deploy the app, whose secrets are made in the site's project. */
export async function readyFor(dir: string, site: Site, folder: string): Promise<string[]> {
  const { app } = await loadApp(dir);
  const names = new Set(app.functions.flatMap(secretsOf).map(({ name }) => name));
  if (names.size > 0) {
    const commands = [...names].map(
      (name) => `printf key | gcloud secrets create ${app.name}-${name} --data-file=- --project=${PROJECT}`,
    );
    const enable = `gcloud services enable secretmanager.googleapis.com --project=${PROJECT}`;
    succeeded(await site.run([], { script: ['set -e', enable, ...commands].join('\n') }));
  }
  const settings = join(folder, `${app.name}.env`);
  writeFileSync(settings, SETTINGS[dir] ?? '');
  return ['--app', dir, ...PLACE, '--settings', settings];
}

const SETTINGS: Readonly<Record<string, string>> = {
  'examples/signup': 'CRM_URL=https://crm.example.com\n',
};

/** Values that a service gives a default to, and that one way to deploy sends and the other does not. */
const isDefault = (value: unknown): boolean =>
  [undefined, null, 0, false, '', 'STRING'].includes(value as string) ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** Without default values, and with lists of objects in one order. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(plain);
    return items.every((one) => typeof one === 'object')
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, one]) => [key, plain(one)] as const)
      .filter(([, one]) => !isDefault(one))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Expects nothing outside the control plane to have been asked but who the caller is, for the provider's log. */
export function expectNothingEscaped({ plane }: Site): void {
  expect(plane.escaped.filter((host) => !host.startsWith('openidconnect.'))).toEqual([]);
  plane.escaped.length = 0;
}
