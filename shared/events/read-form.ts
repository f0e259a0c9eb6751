import { parseRfc3339 } from '../core/rfc3339.ts';
import { EVENT_FORMS, type EventForm } from './event-forms.ts';
import type { JsonBody } from './json-body.ts';
import { attributeText } from './json-event.ts';

/** Attributes as the places of a form have them, unless the reader falls back to its defaults. */
export interface FormFields {
  /** Undefined if the form, or this event, names none. */
  id: string | undefined;
  source: string | undefined;
  type: string | undefined;
  subject: string | undefined;
  /** RFC 3339. */
  time: string | undefined;
  dataschema: string | undefined;
}

type Attributes = Readonly<Record<string, string>>;
type Lookup = (part: Part) => string | number | undefined;

/** A member's path in the body, or an attribute's name. */
type Part = { attribute: string } | { path: readonly string[] };
type Place = readonly (string | Part)[];

interface CompiledForm {
  form: EventForm;
  /** Attributes and members without which nothing else is worth a look. */
  attributes: readonly string[];
  members: readonly string[];
  needs: readonly Place[];
  holds: readonly (readonly string[])[];
  equals: readonly (readonly [readonly string[], string])[];
  places: Readonly<Record<keyof FormFields, readonly Place[]>>;
}

let compiled: readonly CompiledForm[] | undefined;

/** Members of a body that its form is read from. */
export const FORM_MEMBERS: ReadonlySet<string> = new Set(
  EVENT_FORMS.flatMap((form) => [
    ...placesOf(form).flatMap((place) => [...place.matchAll(/\{([^@.}][^.}]*)/g)].map(([, name]) => name!)),
    ...(form.holds ?? []),
    ...Object.keys(form.equals ?? {}),
    ...(form.data === undefined ? [] : [form.data]),
  ]),
);

/** The first form that fits, with its fields; the last form fits any JSON. */
export function readForm(body: JsonBody, attributes: Attributes): { form: EventForm; fields: FormFields } {
  const look: Lookup = (part) =>
    'path' in part
      ? body.value(part.path)
      : Object.hasOwn(attributes, part.attribute)
        ? attributes[part.attribute]
        : undefined;
  compiled ??= EVENT_FORMS.map(compile);
  const { form, places } = compiled.find((one) => mayFit(one, body, attributes) && fits(one, body, look))!;
  const textIn = (field: keyof FormFields): string | undefined => first(places[field], look, attributeText);
  return {
    form,
    fields: {
      id: textIn('id'),
      source: textIn('source'),
      type: textIn('type'),
      subject: textIn('subject'),
      time: first(places.time, look, timeText),
      dataschema: textIn('dataschema'),
    },
  };
}

/** Cheap: most forms are ruled out by what is not there. */
function mayFit({ attributes, members }: CompiledForm, { root }: JsonBody, given: Attributes): boolean {
  for (const name of attributes) if (!Object.hasOwn(given, name)) return false;
  for (const name of members) if (!root.members.has(name)) return false;
  return true;
}

function fits({ needs, holds, equals }: CompiledForm, body: JsonBody, look: Lookup): boolean {
  return (
    equals.every(([path, wanted]) => body.value(path) === wanted) &&
    needs.every((place) => attributeText(fill(place, look)) !== undefined) &&
    holds.every((path) => body.has(path))
  );
}

function first<T>(places: readonly Place[], look: Lookup, read: (value: unknown) => T | undefined) {
  for (const place of places) {
    const found = read(fill(place, look));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined if a part has no text. A number counts only alone: as text, 7 would be the same as "7". */
function fill(place: Place, look: Lookup): string | number | undefined {
  let text = '';
  for (const part of place) {
    const value = typeof part === 'string' ? part : look(part);
    if (typeof value === 'number' && place.length === 1) return value;
    if (typeof value !== 'string' || value === '') return undefined;
    text += value;
  }
  return text;
}

/** RFC 3339, or a number of 10 or 13 digits: seconds or milliseconds since the epoch. */
function timeText(value: unknown): string | undefined {
  if (typeof value === 'string') return parseRfc3339(value) === undefined ? undefined : value;
  if (typeof value !== 'number' || !(value >= 1e9 && value < 1e13)) return undefined;
  if (value < 1e10) return new Date(value * 1_000).toISOString();
  return value >= 1e12 ? new Date(value).toISOString() : undefined;
}

function placesOf({ needs, id = [], source, type, subject = [], time = [], dataschema = [] }: EventForm) {
  return [...needs, ...id, ...source, ...type, ...subject, ...time, ...dataschema];
}

function compile(form: EventForm): CompiledForm {
  const { needs, holds = [], equals = {}, id = [], source, type } = form;
  const { subject = [], time = [], dataschema = [] } = form;
  const fields = { id, source, type, subject, time, dataschema };
  const entries = Object.entries(fields).map(([name, places]) => [name, places.map(parsePlace)]);
  const needed = needs.map(parsePlace);
  const held = [...holds, ...Object.keys(equals)].map((name) => name.split('.'));
  const parts = needed.flat().filter((part) => typeof part !== 'string');
  const paths = [...held, ...parts.flatMap((part) => ('path' in part ? [part.path] : []))];
  return {
    form,
    attributes: parts.flatMap((part) => ('attribute' in part ? [part.attribute] : [])),
    members: [...new Set(paths.map(([first]) => first!))],
    needs: needed,
    holds: holds.map((name) => name.split('.')),
    equals: Object.entries(equals).map(([name, value]) => [name.split('.'), value] as const),
    places: Object.fromEntries(entries) as CompiledForm['places'],
  };
}

/** `aws:s3.{awsRegion}`: a text and a path. */
function parsePlace(template: string): Place {
  return template
    .split(/(\{[^}]*\})/)
    .filter((part) => part !== '')
    .map((part) => {
      if (!part.startsWith('{')) return part;
      const name = part.slice(1, -1);
      return name.startsWith('@') ? { attribute: name.slice(1) } : { path: name.split('.') };
    });
}
