/** Events about orders, without commands: a list of their types would be too long for a filter of Pub/Sub. */
export const EVENTS_OF_ORDERS = ['order.', 'payment.', 'stock.']
  .map((prefix) => `hasPrefix(attributes."ce-type", "${prefix}")`)
  .join(' OR ');
