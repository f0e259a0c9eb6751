import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Resource, type Trigger, triggers } from '../functions/triggers.ts';

const file = fileURLToPath(new URL('roles.md', import.meta.url));
const threatModel = fileURLToPath(new URL('threat-model.md', import.meta.url));

/** docs/roles.md: resources and roles of each function, from the list of what is deployed. */
export function rolesDocument(functions: Readonly<Record<string, Trigger>> = triggers): string {
  return `${[
    '# What each function may do',
    'Generated from `functions/triggers.ts` by `node --import tsx docs/generate-roles.ts`; a test fails if it is out of date.',
    'Each function runs as a service account of its own, with these roles and no other. A role is granted on a bucket or a topic if possible, and else on the project.',
    table(
      ['function', 'fired by', 'attempts', 'memory', 'CPU', 'requests at a time', 'instances', 'time'],
      Object.entries(functions).map(([name, trigger]) => [
        `\`${name}\``,
        sourceOf(trigger),
        String(trigger.maxDeliveryAttempts ?? 'for 7 days'),
        trigger.memory,
        String(trigger.cpu),
        trigger.concurrency.toLocaleString('en-US'),
        String(trigger.maxInstances),
        `${trigger.timeoutSeconds} s`,
      ]),
    ),
    ...Object.entries(functions).flatMap(([name, { roles }]) => [
      `## ${name}`,
      table(
        ['role', 'on', 'because it'],
        roles.map(({ role, on, reason }) => [`\`${role}\``, PLACES[on], becauseIt(reason)]),
      ),
    ]),
  ].join('\n\n')}\n`;
}

/** The threat model's short form: one line per function, with its roles and what they are granted on. */
export function rolesSummary(functions: Readonly<Record<string, Trigger>> = triggers): string {
  return table(
    ['function', 'fired by', 'roles, and no other'],
    Object.entries(functions).map(([name, trigger]) => [
      `\`${name}\``,
      sourceOf(trigger),
      trigger.roles.map(({ role, on }) => `\`${role.replace('roles/', '')}\` on ${PLACES[on]}`).join(', '),
    ]),
  );
}

/** The page with its table generated again, between the two comments that mark it. */
export function withRoles(text: string): string {
  return text.replace(
    /(<!-- roles: [^>]*-->\n)[\s\S]*?(\n<!-- end of roles -->)/,
    (_, start: string, end: string) => `${start}${rolesSummary()}${end}`,
  );
}

const PLACES: Readonly<Record<Resource, string>> = {
  project: '**the project**',
  'raw-bucket': 'raw bucket',
  'frames-bucket': 'frames bucket',
  'state-bucket': 'state bucket',
  'lake-bucket': 'lake bucket',
  'events-topic': 'events topic',
  'dead-letter-topic': 'dead-letter topic',
  function: 'itself',
};

function sourceOf({ source }: Trigger): string {
  if ('bucket' in source) return 'uploads to the raw bucket';
  return {
    EVENTS_TOPIC: 'events topic',
    MAINTENANCE_TOPIC: 'maintenance topic',
    DEAD_LETTER_TOPIC: 'dead-letter topic',
  }[source.topic];
}

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
  writeFileSync(threatModel, withRoles(readFileSync(threatModel, 'utf8')));
}
