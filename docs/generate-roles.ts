import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Resource, type Trigger, triggers } from '../functions/triggers.ts';

const file = fileURLToPath(new URL('roles.md', import.meta.url));
const readme = fileURLToPath(new URL('../README.md', import.meta.url));

/** docs/roles.md: what each function gets and may do, from the only list of what is deployed. */
export function rolesDocument(functions: Readonly<Record<string, Trigger>> = triggers): string {
  return `${[
    '# What each function may do',
    'Made from `functions/triggers.ts` by `node --import tsx docs/generate-roles.ts`; a test tells when it is old.',
    'Each function runs as a service account of its own, with these roles and no other. They are granted on the bucket or the topic wherever that is possible; the project is named where it is not.',
    table(
      ['function', 'fired by', 'attempts', 'memory', 'CPU', 'requests at a time', 'instances', 'time'],
      Object.entries(functions).map(([name, trigger]) => [
        `\`${name}\``,
        sourceOf(trigger),
        String(trigger.maxDeliveryAttempts),
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

/** The README's short form: a line a function, with its roles by what they are granted on. */
export function rolesSummary(functions: Readonly<Record<string, Trigger>> = triggers): string {
  return table(
    ['function', 'fired by', 'may, and nothing else'],
    Object.entries(functions).map(([name, trigger]) => [
      `\`${name}\``,
      sourceOf(trigger),
      trigger.roles.map(({ role, on }) => `\`${role.replace('roles/', '')}\` on ${PLACES[on]}`).join(', '),
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
  writeFileSync(readme, withRoles(readFileSync(readme, 'utf8')));
}
