/** Typed views of events, for the engines that read the table: JSON Schemas in, SQL out. */
export { ENGINES, type Engine, viewStatements, viewsSql } from './engines.ts';
export { type EnvelopeColumn, EVENTS_NAME, type EventSchema, type View, viewsOf } from './view.ts';
