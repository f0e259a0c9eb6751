/** Attribute of every message that `receiveEvent` publishes: the source that was authenticated. A sender cannot choose it. */
export const RECEIVED_FROM = 'receivedfrom';
