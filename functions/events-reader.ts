/**
 * The function that reads the events topic. Bad members of the batches that `receiveEvent` takes are its dead letters,
 * because it can take them back.
 */
export const EVENTS_READER = 'ingestEvent';

/** Code of a member that is JSON, but not in the form of its vendor. */
export const OTHER_FORM = 'app-other-form';
