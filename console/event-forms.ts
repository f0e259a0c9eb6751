import { fileURLToPath } from 'node:url';
import { compileForForms, readSchemas, type SchemaFile, schemaFolders } from '../schemas/compile.ts';
import { readContracts } from '../schemas/contracts.ts';
import type { App } from '../shared/app/define-app.ts';
import { subscriptionFilter, type Trigger, triggerTopic } from '../shared/app/trigger.ts';
import { parseFilter } from '../shared/events/message-filter.ts';
import type { Validator } from '../shared/events/validate.ts';
import type { DraftProblem, FormsAnswer } from './action-types.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Topics of dead letters and ticks: events there would be taken for something else. */
const isForEvents = (key: string, { functions }: App): boolean =>
  !/^dead-letters/.test(key) &&
  !functions.some(({ trigger }) => trigger.kind === 'schedule' && trigger.topic === key);

/** Keys of the topics that events may be published to. */
export function eventTopics(app: App): string[] {
  return Object.keys(app.topics).filter((key) => isForEvents(key, app));
}

/** Undefined if the type has no schema of this version. */
export function schemaOf(app: App, wanted: { type: string; version: string }): SchemaFile | undefined {
  const schemas = readSchemas(schemaFolders(app));
  return schemas.find(({ type, version }) => type === wanted.type && version === wanted.version);
}

/** The types of events that the app has schemas for, and where each may be published. */
export function eventForms(app: App, appDir: string): FormsAnswer {
  const keys = eventTopics(app);
  const contracts = readContracts(`${ROOT}${appDir}/contracts`);
  const usual = keys.includes('events') ? 'events' : (keys[0] ?? '');
  const own = new Map(readSchemas(schemaFolders(app)).map((one) => [`${one.type}/${one.version}`, one]));
  const isOrdered = (key: string): boolean =>
    app.functions.some(
      ({ trigger }) => trigger.kind === 'messagePublished' && trigger.topic === key && trigger.ordering,
    );
  return {
    forms: [...own.values()].map((file) => {
      const named = app.functions.find(
        ({ trigger }) => trigger.kind === 'messagePublished' && trigger.types?.includes(file.type),
      );
      const contract = contracts.find(({ type, example }) => type === file.type && isValid(file, example));
      const reader = app.functions.find(({ name }) => contract?.consumer === name);
      const topic = triggerTopic((named ?? reader)?.trigger ?? NONE) ?? usual;
      return { ...file, topic, ...(contract && { example: contract.example }) };
    }),
    topics: keys.map((key) => ({ key, doc: app.topics[key]?.doc ?? '', orders: isOrdered(key) })),
  };
}

const NONE: Trigger = { kind: 'http', callers: 'all' };

const isValid = (file: SchemaFile, data: unknown): boolean => problemsOf(file.schema, data).length === 0;

/** By the text of the schema: files may change while the console runs. */
const compiled = new Map<string, Validator>();
const MOST_COMPILED = 1_000;

function validatorOf(schema: Readonly<Record<string, unknown>>): Validator {
  const text = JSON.stringify(schema);
  const validator = compiled.get(text) ?? compileForForms(schema);
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  compiled.set(text, validator);
  return validator;
}

/** All that is wrong with the data, by field. */
export function problemsOf(schema: Readonly<Record<string, unknown>>, data: unknown): DraftProblem[] {
  const validate = validatorOf(schema);
  if (validate(data)) return [];
  return (validate.errors ?? []).map(({ instancePath, keyword, params, message = keyword }) => {
    const missing = params['missingProperty'] ?? params['additionalProperty'];
    const pointer = missing === undefined ? instancePath : `${instancePath}/${step(missing)}`;
    return { pointer, message: inWords(keyword, params) ?? message };
  });
}

/** What a field must be; undefined if the validator says it well. */
function inWords(keyword: string, params: Readonly<Record<string, unknown>>): string | undefined {
  const { limit, pattern, format, allowedValue, allowedValues } = params;
  const some = (noun: string): string => `${String(limit)} ${noun}${limit === 1 ? '' : 's'}`;
  switch (keyword) {
    case 'required':
      return 'must be given';
    case 'additionalProperties':
      return 'must not be there';
    case 'enum':
      return `must be one of ${JSON.stringify(allowedValues)}`;
    case 'const':
      return `must be ${JSON.stringify(allowedValue)}`;
    case 'minLength':
      return `must have at least ${some('character')}`;
    case 'maxLength':
      return `must have at most ${some('character')}`;
    case 'minItems':
      return `must have at least ${some('item')}`;
    case 'maxItems':
      return `must have at most ${some('item')}`;
    case 'pattern':
      return `must match ${String(pattern)}`;
    case 'format':
      return `must be a ${String(format)}`;
    default:
      return undefined;
  }
}

const step = (name: unknown): string => String(name).replaceAll('~', '~0').replaceAll('/', '~1');

/** Names of the functions whose subscriptions take a message with these attributes. */
export function takersOf(app: App, topic: string, attributes: Readonly<Record<string, string>>): string[] {
  return app.functions.flatMap(({ name, trigger }) => {
    if (triggerTopic(trigger) !== topic) return [];
    const filter = subscriptionFilter(trigger);
    return filter === undefined || parseFilter(filter)(attributes) ? [name] : [];
  });
}
