import { putLoad } from './load.ts';

/**
 * `node --import tsx load-process.ts URL CONCURRENCY SECONDS PREFIX [BATCH]`: posts messages of one event or a
 * batch of events. Writes the results as one line of JSON.
 */
const [url = '', concurrency = '1', seconds = '5', prefix = 'load', batch = '1'] = process.argv.slice(2);
const { host } = new URL(url);
let serial = 0;

const result = await putLoad({
  url,
  concurrency: Number(concurrency),
  seconds: Number(seconds),
  status: 204,
  eventsPerRequest: Number(batch),
  request,
});
process.stdout.write(`${JSON.stringify(result)}\n`);

function request(): string {
  const now = new Date().toISOString();
  const events = Array.from({ length: Number(batch) }, () => event(now));
  const isBatch = events.length > 1;
  const id = `m-${prefix}-${serial}`;
  const data = Buffer.from(isBatch ? `[${events.join(',')}]` : events.join()).toString('base64');
  const type = `application/cloudevents${isBatch ? '-batch' : ''}+json`;
  const body = `{"subscription":"projects/demo/subscriptions/events","message":{"data":"${data}","attributes":{"content-type":"${type}"},"messageId":"${id}","message_id":"${id}","publishTime":"${now}","publish_time":"${now}"}}`;
  return `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nce-specversion: 1.0\r\nce-id: ${id}\r\nce-source: //pubsub.googleapis.com/projects/demo/topics/events\r\nce-type: google.cloud.pubsub.topic.v1.messagePublished\r\nce-time: ${now}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function event(now: string): string {
  const id = `${prefix}-${++serial}`;
  return `{"specversion":"1.0","id":"${id}","source":"//shop/orders","type":"order.created","subject":"order/${id}","time":"${now}","datacontenttype":"application/json","dataschema":"order.created/1","correlationid":"corr-${id}","data":{"order":"${id}","items":[{"sku":"A-17","qty":2,"price":19.99},{"sku":"B-4","qty":1,"price":5}],"customer":{"name":"A. Customer","country":"GB"},"note":"leave at the door"}}`;
}
