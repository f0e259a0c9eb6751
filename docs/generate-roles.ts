import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { core } from '../functions/app.ts';
import { type App, rolesOf } from '../shared/app/define-app.ts';
import type { FunctionDefinition, Role } from '../shared/app/define-function.ts';
import { withOptional } from '../shared/app/optional.ts';
import { shownPattern } from '../shared/app/storage-roles.ts';

const file = fileURLToPath(new URL('roles.md', import.meta.url));
const threatModel = fileURLToPath(new URL('threat-model.md', import.meta.url));

/** Content of docs/roles.md: resources and roles of each function, from the app's definitions. */
export function rolesDocument(app: App = withOptional(core)): string {
  return `${[
    '# What each function may do',
    app.functions.map(({ name }) => `- [${name}](#${name.toLowerCase()})`).join('\n'),
    'Generated from `functions/app.ts` by `node --import tsx docs/generate-roles.ts`; a test fails if it is out of date.',
    'Each function runs as a service account of its own, with these roles and no other. A role is granted on a bucket or a topic if possible, otherwise on the project.',
    table(
      ['function', 'fired by', 'attempts', 'memory', 'CPU', 'requests at a time', 'instances', 'time'],
      app.functions.map((one) => [
        `\`${one.name}\``,
        sourceOf(one, app),
        String(one.maxDeliveryAttempts),
        one.instance.memory,
        String(one.instance.cpu),
        one.instance.concurrency.toLocaleString('en-US'),
        String(one.instance.maxInstances),
        `${one.instance.timeoutSeconds} s`,
      ]),
    ),
    ...app.functions.flatMap((one) => [
      `## ${one.name}`,
      table(
        ['role', 'on', 'because it'],
        rolesOf(one, app).map((role) => [
          `\`${role.role}\``,
          placeOf(role.on, app) + limitOf(role),
          becauseIt(role.reason),
        ]),
      ),
    ]),
  ].join('\n\n')}\n`;
}

/** Short form for the threat model: one line per function, with its roles and their resources. */
export function rolesSummary(app: App = withOptional(core)): string {
  return table(
    ['function', 'fired by', 'roles, and no other'],
    app.functions.map((one) => [
      `\`${one.name}\``,
      sourceOf(one, app),
      rolesOf(one, app)
        .map((one) => `\`${one.role.replace('roles/', '')}\` on ${placeOf(one.on, app)}${limitOf(one)}`)
        .join(', '),
    ]),
  );
}

/** Replaces the table between its two marking comments. */
export function withRoles(text: string): string {
  return text.replace(
    /(<!-- roles: [^>]*-->\n)[\s\S]*?(\n<!-- end of roles -->)/,
    (_, start: string, end: string) => `${start}${rolesSummary()}${end}`,
  );
}

const limitOf = ({ names }: Role): string =>
  names === undefined ? '' : `, ${names.map((one) => `\`${shownPattern(one)}\``).join(' and ')} only`;

function placeOf(on: string, { buckets }: App): string {
  if (on === 'project') return '**the project**';
  if (on === 'function') return 'itself';
  return Object.hasOwn(buckets, on) ? `${on} bucket` : topicName(on);
}

function sourceOf({ name, trigger }: FunctionDefinition, { optional = {} }: App): string {
  const option = Object.entries(optional).find(([, { functions = [] }]) =>
    functions.some((one) => one.name === name),
  );
  const only = option === undefined ? '' : `; runs only with \`--${option[0]}\``;
  // the option's value says what fires it
  if (option?.[1].choose !== undefined) return `what \`--${option[0]}\` names`;
  return firedBy(trigger) + only;
}

function firedBy(trigger: FunctionDefinition['trigger']): string {
  switch (trigger.kind) {
    case 'anyOf':
      return trigger.of.map(firedBy).join(', ');
    case 'objectDeleted':
      return `deletions in the ${trigger.bucket} bucket`;
    case 'objectFinalized':
      return `uploads to the ${trigger.bucket} bucket`;
    case 'messagePublished':
      return topicName(trigger.topic);
    case 'schedule':
      return `the clock, \`${trigger.cron}\``;
    case 'auditLog':
      return `audit log entries of \`${trigger.method}\``;
    case 'http':
      return `requests of ${trigger.callers === 'all' ? 'anybody' : trigger.callers.join(', ')}`;
  }
}

const topicName = (key: string): string => `${key} topic`;

/** Rephrases a reason so that its subject is the function, not its trigger or its subscription. */
function becauseIt(reason: string): string {
  return reason
    .replace(/^its trigger receives/, 'receives')
    .replace(/^its (trigger|subscription) calls the function$/, 'is called by its $1');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(file, rolesDocument());
  writeFileSync(threatModel, withRoles(readFileSync(threatModel, 'utf8')));
}
