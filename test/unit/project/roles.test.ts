import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rolesDocument, rolesSummary, withRoles } from '../../../docs/generate-roles.ts';
import { core } from '../../../functions/app.ts';
import { defineApp } from '../../../shared/app/define-app.ts';

const document = readFileSync(new URL('../../../docs/roles.md', import.meta.url), 'utf8');

test('docs/roles.md is what node --import tsx docs/generate-roles.ts writes', () => {
  expect(document).toBe(rolesDocument());
});

test('so is the table in docs/threat-model.md', () => {
  const page = readFileSync(new URL('../../../docs/threat-model.md', import.meta.url), 'utf8');
  expect(page).toContain(`\n${rolesSummary()}\n`);
  expect(withRoles(page)).toBe(page);
  expect(withRoles(page.replace('`processVideo` | uploads', '`old` | uploads'))).toBe(page);
});

test('it names every function, and every role with its reason', () => {
  expect(core.functions.filter(({ name }) => !document.includes(`\n## ${name}\n`))).toEqual([]);
  expect(document).toContain(
    '| `roles/aiplatform.user` | **the project** | calls Gemini, which has no narrower resource |',
  );
});

test('an added role appears', () => {
  const [ingest] = core.functions.filter(({ name }) => name === 'ingestEvent');
  const roles = [{ role: 'roles/some.thing', on: 'events', reason: 'has a | in it' }];
  expect(rolesDocument(defineApp({ ...core, functions: [{ ...ingest!, roles }] }))).toContain(
    '## ingestEvent\n\n| role | on | because it |\n| --- | --- | --- |\n| `roles/some.thing` | events topic | has a \\| in it |\n',
  );
});

test('no role is granted on the project if a bucket or a topic would do', () => {
  const onProject = core.functions.flatMap(({ roles }) =>
    roles.filter(({ on }) => on === 'project').map(({ role }) => role),
  );
  expect([...new Set(onProject)].sort()).toEqual(['roles/aiplatform.user', 'roles/eventarc.eventReceiver']);
  const all = core.functions.flatMap(({ roles }) => roles.map(({ role }) => role));
  expect(all.filter((role) => /owner|editor|admin/i.test(role))).toEqual([]);
});
