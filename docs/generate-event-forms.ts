import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EVENT_FORMS, type EventForm } from '../shared/events/event-forms.ts';
import { LINK_PLACES } from '../shared/events/links.ts';

const file = fileURLToPath(new URL('event-forms.md', import.meta.url));

/** A documented body and the rows that come of it. */
export interface Example {
  name: string;
  document: string;
  rows: readonly { ce_id?: string; type: string; source: string; subject?: string; time?: string }[];
}

/** Content of docs/event-forms.md. */
export function eventFormsDocument(examples: readonly Example[]): string {
  return `${[
    '# Forms of events',
    contents(),
    'Generated from `shared/events/event-forms.ts` and the examples of its test by `node --import tsx docs/generate-event-forms.ts`; a test fails if it is out of date. [Events and identities](events-and-identities.md) has the rules.',
    'CloudEvents come first: structured, in binary mode, or in a batch. Any other JSON has the first of these forms that fits.',
    'A place is a template: `{name}` is a member of the body, `{a.b}` a member of its member, `{a.0}` the first element of an array, and `{@name}` an attribute of the message. The first place with a usable value counts; a malformed value is skipped. A form with an id identifies its events by id and source, like CloudEvents; the others are identified by their content.',
    ...EVENT_FORMS.flatMap(section),
    '## Links',
    'Correlation, causation and trace are read alike from every form, from left to right.',
    table(
      ['link', 'members of the event', 'its member `metadata`', 'attributes of the message'],
      Object.entries(LINK_PLACES).map(([link, { event, metadata, attributes }]) => [
        link,
        code(event),
        code(metadata),
        code(attributes),
      ]),
    ),
    '## Examples',
    'Bodies as their vendors document them, and the rows that come of each. The test compares every column. The column `data` has the whole body, byte for byte; of a CloudEvent its data, of an array each element.',
    table(
      ['body', '`ce_id`', '`type`', '`source`', '`subject`', '`time`'],
      examples.flatMap(({ name, document, rows }) =>
        rows.map(({ ce_id: id, type, source, subject, time }) => [
          document.startsWith('https:') ? `[${name}](${document})` : name,
          ...[id, type, source, subject, time].map((value) => (value === undefined ? '' : `\`${value}\``)),
        ]),
      ),
    ),
  ].join('\n\n')}\n`;
}

/** Links to the sections, whose anchors are those of GitHub. */
function contents(): string {
  const titles = [...EVENT_FORMS.map(({ name }) => name), 'Links', 'Examples'];
  const anchor = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-');
  return titles.map((title) => `- [${title}](#${anchor(title)})`).join('\n');
}

function section(form: EventForm): string[] {
  const { name, document, needs, holds = [], equals = {}, data } = form;
  const exact = Object.entries(equals).map(([member, value]) => `\`{${member}}\` = \`${value}\``);
  const wanted = [...exact, ...needs.map((place) => `\`${place}\``), ...holds.map((one) => `\`{${one}}\``)];
  const places = (['id', 'source', 'type', 'subject', 'time', 'dataschema'] as const).flatMap((field) => {
    const list = form[field];
    return list === undefined ? [] : [[`\`${field}\``, code(list)]];
  });
  const handed = data === undefined ? 'the whole body' : `\`{${data}}\`, or the whole body without it`;
  return [
    `## ${name}`,
    wanted.length === 0
      ? 'Whatever fits nothing above.'
      : `${document === undefined ? '' : `[Document](${document}). `}Recognized by ${wanted.join(', ')}.`,
    table(['attribute', 'places'], [...places, ['data of handlers and schemas', handed]]),
  ];
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { VENDOR_BODIES } = await import('../test/fixtures/vendors/index.ts');
  writeFileSync(file, eventFormsDocument(VENDOR_BODIES));
}
