import { cloudEvent } from '@google-cloud/functions-framework';
import { type CloudEvent, parseCloudEvent } from '../../shared/events/cloud-event.ts';
import { type EventFunction, handleEvent } from '../../shared/invocation/handle.ts';
import { connect, runtimeOf } from '../../shared/invocation/services.ts';
import { createCalls } from '../../shared/patterns/calls.ts';

/** A function whose only effect is a call to a provider: bundled and run by the tests of effects. */
const { STORAGE_API_ENDPOINT: storageEndpoint, PROVIDER_URL = '', ON_UNKNOWN, LEASE_MS } = process.env;
const services = connect({ project: 'p', storageEndpoint, pubsubEndpoint: undefined, debug: false });
const runtime = runtimeOf(
  { project: 'p', stateBucket: 'state', deadLetterTopic: undefined },
  services,
  60_000,
);

const chargeCard: EventFunction<{ event: CloudEvent }> = {
  name: 'chargeCard',
  parse: (input) => ({ event: parseCloudEvent(input) }),
  logFields: () => ({}),
  async run({ event }, { eventId, clock, log, signal }) {
    const { effect } = createCalls({
      ...{ function: 'chargeCard', eventId, clock, log, signal, topics: {} },
      state: runtime.state,
      publisher: services.publisher,
    });
    await effect('charge', ({ idempotencyKey }) => charge(event.id, idempotencyKey), {
      onUnknown: ON_UNKNOWN === 'stop' ? 'stop' : 'again',
      leaseMs: Number(LEASE_MS),
    });
  },
};

async function charge(id: string, key: string): Promise<string> {
  const headers = { 'x-event': id, 'x-pid': String(process.pid), 'idempotency-key': key };
  const response = await fetch(PROVIDER_URL, { method: 'POST', headers });
  return response.text();
}

cloudEvent('chargeCard', (event: unknown) => handleEvent(event, chargeCard, runtime));
