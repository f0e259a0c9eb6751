import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersFor, EDITS, FAILURES } from '../helpers/control-plane/answers.ts';
import { BINDINGS, FUNCTIONS, SUBSCRIPTIONS, TOPICS } from '../helpers/control-plane/expected.ts';
import { publish } from '../helpers/control-plane/services/pubsub.ts';
import { gcloudHere, PLACE, type Site, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';
import { randomFrom } from '../helpers/random.ts';

const gcloud = gcloudHere('deploy, fresh project');
/** Each seed takes about two minutes. */
const SEEDS = (process.env['DEPLOY_SEEDS'] ?? '1,2,3').split(',').map(Number);

const ANSWERS = answersFor('pipeline', 'processvideo', 'raw');

describe.runIf(gcloud !== undefined)('deploy.sh in a project that was made a minute ago', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop?.close());

  function isWhole({ resources, bindings }: ReturnType<Site['picture']>): void {
    const ofKind = (kind: string) => Object.keys(resources).filter((name) => name.includes(`/${kind}/`));
    expect(ofKind('topics')).toEqual([...TOPICS].sort());
    expect(ofKind('subscriptions')).toEqual(Object.keys(SUBSCRIPTIONS).sort());
    expect(ofKind('alertPolicies')).toHaveLength(5);
    expect(ofKind('dashboards')).toHaveLength(1);
    expect(resources).toMatchObject(SUBSCRIPTIONS);
    expect(resources).toMatchObject(FUNCTIONS);
    expect(bindings).toEqual([...BINDINGS].sort());
  }

  it.each(SEEDS)(
    'one command ends well, whatever is not known yet (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const { plane, run, picture } = await workshop.site();
      const { faults } = plane.cloud;
      faults.accountLag = Math.floor(random() * 8);
      faults.metricLag = Math.floor(random() * 12);
      faults.subscriptionLag = Math.floor(random() * 8);
      faults.editMs = 100 + Math.floor(random() * 300);
      if (random() < 0.7) faults.halfMade = [1];
      faults.slowMs = Math.floor(random() * 40);
      faults.serviceLag = Math.floor(random() * 15);
      const chosen = [...ANSWERS, ...FAILURES].filter(() => random() < 0.6);
      for (const one of chosen) faults.add({ ...one, times: 1 });
      const first = succeeded(await run(PLACE));
      const waits = first.said.split('waiting: ').length - 1;
      // each answer is met once, and a lag ends after a few tries: it does not wait for nothing
      expect(waits).toBeLessThan(chosen.length + 40);
      process.stdout.write(
        `deploy: fresh project, seed ${seed}: ${chosen.length} answers of a new project, ${waits} waits, ${first.seconds.toFixed(0)} s\n`,
      );
      expect(faults.rules).toEqual([]);
      expect(first.said).not.toMatch(/you lack|failed:/);
      expect(plane.cloud.overlaps).toBe(0);
      isWhole(picture());
      expect(sent(succeeded(await run([...PLACE, '--verify'])))).toEqual([]);
      faults.add({ permission: 'monitoring.alertPolicies.delete', error: EDITS, times: 1 });
      faults.add({ permission: 'logging.logMetrics.delete', error: EDITS, times: 1 });
      succeeded(await run([...PLACE, '--destroy', '--yes', '--with-data']));
      expect(plane.cloud.overlaps).toBe(0);
      expect(Object.keys(picture().resources)).toEqual([]);
    },
    900_000,
  );

  it('when patience ends, it says that it is not known yet, and never that a permission is lacking', async () => {
    const { plane, run } = await workshop.site();
    const { faults } = plane.cloud;
    // the first answer at each step: test/unit/deploy/passing.test.ts has what is said of each text
    const steps = new Map([...ANSWERS].reverse().map((one) => [one.permission, one]));
    for (const one of [...steps.values()].reverse()) {
      faults.clear();
      faults.add(one);
      const ended = await run([...PLACE, '--patience', '1']);
      expect(ended.code, ended.said).toBe(1);
      const lines = ended.stderr.trim().split('\n');
      expect(lines, ended.said).toHaveLength(1);
      expect(lines[0]).toMatch(
        one.error.code === 'ABORTED' || one.permission.startsWith('serviceusage')
          ? /^another change is in progress: run it again/
          : /not known everywhere yet: run it again/,
      );
      expect(lines[0]).not.toMatch(/you lack/);
    }
    faults.clear();
    succeeded(await run(PLACE));
  }, 900_000);

  it('a new version keeps the triggers: no upload that waits is lost', async () => {
    const { plane, run } = await workshop.deployedSite();
    const { cloud } = plane;
    const before = [...cloud.state.resources.keys()].filter((name) => name.includes('/triggers/'));
    const topic = [...cloud.state.resources.keys()].find((name) => /\/topics\/eventarc-/.test(name))!;
    const published = [publish(cloud, topic)];
    const timer = setInterval(() => published.push(publish(cloud, topic)), 20);
    try {
      workshop.tree.change();
      succeeded(await run(PLACE));
    } finally {
      clearInterval(timer);
    }
    expect(published.length).toBeGreaterThan(20);
    expect(cloud.lost).toEqual([]);
    expect([...cloud.state.resources.keys()].filter((name) => name.includes('/triggers/'))).toEqual(before);
  });
});
