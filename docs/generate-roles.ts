import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { core } from '../functions/app.ts';
import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { triggerTopic } from '../shared/app/trigger.ts';

const file = fileURLToPath(new URL('roles.md', import.meta.url));
const readme = fileURLToPath(new URL('../README.md', import.meta.url));

/** docs/roles.md: what each function gets and may do, from the definitions. */
export function rolesDocument(app: App = core): string {
  return `${[
    '# What each function may do',
    'Made from the definitions in `functions/app.ts` by `node --import tsx docs/generate-roles.ts`; a test tells when it is old.',
    'Each function runs as a service account of its own, with these roles and no other. They are granted on the bucket or the topic wherever that is possible; the project is named where it is not.',
    table(
      ['function', 'fired by', 'attempts', 'memory', 'CPU', 'requests at a time', 'instances', 'time'],
      app.functions.map((one) => [
        `\`${one.name}\``,
        sourceOf(one),
        String(one.maxDeliveryAttempts),
        one.instance.memory,
        String(one.instance.cpu),
        one.instance.concurrency.toLocaleString('en-US'),
        String(one.instance.maxInstances),
        `${one.instance.timeoutSeconds} s`,
      ]),
    ),
    ...app.functions.flatMap(({ name, roles }) => [
      `## ${name}`,
      table(
        ['role', 'on', 'because it'],
        roles.map(({ role, on, reason }) => [`\`${role}\``, placeOf(on, app), becauseIt(reason)]),
      ),
    ]),
  ].join('\n\n')}\n`;
}

/** The README's short form: a line a function, with its roles by what they are granted on. */
export function rolesSummary(app: App = core): string {
  return table(
    ['function', 'fired by', 'may, and nothing else'],
    app.functions.map((one) => [
      `\`${one.name}\``,
      sourceOf(one),
      one.roles.map(({ role, on }) => `\`${role.replace('roles/', '')}\` on ${placeOf(on, app)}`).join(', '),
    ]),
  );
}

/** The README with its table made anew, between the two comments that mark it. */
export function withRoles(text: string): string {
  return text.replace(
    /(<!-- roles: [^>]*-->\n)[\s\S]*?(\n<!-- end of roles -->)/,
    (_, start: string, end: string) => `${start}${rolesSummary()}${end}`,
  );
}

function placeOf(on: string, { buckets }: App): string {
  if (on === 'project') return '**the project**';
  if (on === 'function') return 'itself';
  return Object.hasOwn(buckets, on) ? `${on} bucket` : topicName(on);
}

function sourceOf({ trigger }: FunctionDefinition): string {
  const topic = triggerTopic(trigger);
  if (trigger.kind === 'objectFinalized') return `uploads to the ${trigger.bucket} bucket`;
  return trigger.kind === 'schedule' ? `the clock, \`${trigger.cron}\`` : topicName(topic ?? '');
}

const topicName = (key: string): string => `${key} topic`;

/** Reasons have the function as their subject, or its trigger. */
function becauseIt(reason: string): string {
  return reason
    .replace(/^its trigger receives/, 'receives')
    .replace(/^its trigger calls the function$/, 'is called by its trigger');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(file, rolesDocument());
  writeFileSync(readme, withRoles(readFileSync(readme, 'utf8')));
}
