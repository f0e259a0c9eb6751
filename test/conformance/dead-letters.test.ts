import { it } from 'vitest';
import { deadLetterWalk } from '../helpers/dead-letter-walk.ts';
import { findPubsubEmulator, startPubsubEmulator } from '../helpers/pubsub-emulator.ts';

const found = await findPubsubEmulator();
if ('jar' in found) {
  // the emulator does the pushes, retries and dead-letter forwarding
  deadLetterWalk('the official Pub/Sub emulator', async () => {
    const { url, stop } = await startPubsubEmulator(found.jar);
    return { pubsubUrl: url, close: stop };
  });
} else {
  process.stdout.write(`not run: dead letters over the official Pub/Sub emulator: ${found.missing}\n`);
  it('dead letters over the official emulator', ({ skip }) => skip(found.missing));
}
