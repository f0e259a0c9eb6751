import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BINDINGS, FUNCTIONS, SUBSCRIPTIONS, TOPICS } from '../helpers/control-plane/expected.ts';
import { gcloudHere, PLACE, type Site, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, interrupted');
/** Changes after which each run is killed: 1 tries every step; small numbers take many runs. */
const STEP = Number(process.env['DEPLOY_KILL_EVERY'] ?? 11);

describe.runIf(gcloud !== undefined)('deploy.sh, killed and run again', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop?.close());

  function isWhole({ resources, bindings }: ReturnType<Site['picture']>): void {
    expect(Object.keys(resources).filter((name) => name.includes('/topics/'))).toEqual([...TOPICS].sort());
    const subscriptions = Object.keys(resources).filter((name) => name.includes('/subscriptions/'));
    expect(subscriptions).toEqual(Object.keys(SUBSCRIPTIONS).sort());
    expect(resources).toMatchObject(SUBSCRIPTIONS);
    expect(resources).toMatchObject(FUNCTIONS);
    expect(bindings).toEqual([...BINDINGS].sort());
  }

  it('a run after one that was killed while it enabled services waits until they answer', async () => {
    const { plane, run } = await workshop.site();
    const killed = await run(PLACE, { killAt: { nth: 1, when: 'after' } });
    expect(killed.code, killed.said).toBeNull();
    expect(plane.cloud.journal.map(({ permission }) => permission)).toEqual(['serviceusage.services.enable']);
    plane.cloud.faults.serviceLag = 25;
    const again = succeeded(await run([...PLACE, '--only', 'maintainTable']));
    expect(again.said).toContain('waiting: ');
    expect(again.said).not.toMatch(/you lack/);
  });

  it(
    'a project built by runs that are each killed equals one built in a single run',
    async () => {
      const { plane, run, picture } = await workshop.site();
      const [left, said]: [number[], string[]] = [[], []];
      for (let turn = 0; ; turn++) {
        // Kill when the change is requested, or when it is done but not yet answered.
        const when = turn % 2 === 0 || STEP === 1 ? 'after' : 'before';
        const ended = await run(PLACE, { killAt: { nth: STEP, when } });
        left.push(Object.keys(picture().resources).length);
        said.push(ended.said);
        if (ended.code === 0) break;
        // Only the kill may end the run: any error would show that it cannot resume.
        expect(ended.code, ended.said).toBeNull();
        expect(turn, ended.said).toBeLessThan(400);
      }
      process.stdout.write(`deploy: ${left.length} runs, each killed at its change ${STEP}\n`);
      expect(left.length).toBeGreaterThan(Math.min(4, 60 / STEP));
      isWhole(picture());
      // No change is made twice: later runs leave alone what a killed run did.
      const created = plane.cloud.journal
        .filter(({ status, permission }) => status === 200 && /\.(create|enable)$/.test(permission))
        .filter(
          ({ path, permission }) =>
            !path.startsWith('sources/') && !permission.startsWith('storage.objects.'),
        )
        .map(({ path, body }) => `${path} ${JSON.stringify(body)}`);
      expect(created.length).toBeGreaterThan(30);
      expect(created).toEqual([...new Set(created)]);
      const again = succeeded(await run(PLACE));
      expect(sent(again)).toEqual([]);

      // The same for taking it down.
      for (let turn = 0; ; turn++) {
        const ended = await run([...PLACE, '--destroy', '--yes', '--with-data'], {
          killAt: { nth: STEP, when: turn % 2 === 0 && STEP > 1 ? 'before' : 'after' },
        });
        if (ended.code === 0) break;
        expect(ended.code, ended.said).toBeNull();
        expect(turn, ended.said).toBeLessThan(400);
      }
      expect(Object.keys(picture().resources)).toEqual([]);
      expect(picture().bindings.filter((line) => line.includes('deleted:'))).toEqual([]);
    },
    STEP < 8 ? 7_200_000 : 1_800_000,
  );
});
