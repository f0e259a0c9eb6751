import { afterAll, it } from 'vitest';
import { type Deviations, pubsubContract } from '../contract/pubsub.ts';
import { findPubsubEmulator, startPubsubEmulator } from '../helpers/pubsub-emulator.ts';

/** Known deviations of emulator version 0.8.20. */
const EMULATOR: Deviations = {
  'an ack deadline below 10 s is refused': 'it takes any from 1 s',
  'attributes have limits': 'it takes attributes of any number and length',
  'a push carries the attempt if there is a dead-letter policy': 'pulls tell it, pushes do not',
  'a filter drops messages that it does not match': 'filters are stored and not looked at',
  'an invalid filter is refused': 'filters are stored and not looked at',
};

let stop: (() => Promise<void>) | undefined;
afterAll(() => stop?.());

const found = await findPubsubEmulator();
if ('jar' in found) {
  pubsubContract(
    'the official emulator',
    async () => {
      const emulator = await startPubsubEmulator(found.jar);
      stop = emulator.stop;
      return { url: emulator.url, project: 'local' };
    },
    EMULATOR,
  );
} else {
  process.stdout.write(`not run: the contract over the official Pub/Sub emulator: ${found.missing}\n`);
  it('the contract over the official emulator', ({ skip }) => skip(found.missing));
}
