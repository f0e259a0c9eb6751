import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../helpers/control-plane/api-error.ts';
import type { Run } from '../helpers/control-plane/deploy.ts';
import {
  ACCOUNTS,
  BINDINGS,
  BUCKETS,
  FUNCTIONS,
  GOOGLES_OWN,
  OWNER,
  SUBSCRIPTIONS,
  TOPICS,
} from '../helpers/control-plane/expected.ts';
import type { Picture } from '../helpers/control-plane/picture.ts';
import { putObject } from '../helpers/control-plane/services/storage.ts';
import { object, text } from '../helpers/control-plane/shapes.ts';
import {
  gcloudHere,
  PLACE,
  PROJECT,
  REGION,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy');

describe.runIf(gcloud !== undefined)('deploy.sh with the real gcloud', () => {
  let workshop: Workshop;
  let main: Site;
  let first: Run;
  /** The project after the first run; every other way to deploy must end in the same. */
  let made: Picture;

  beforeAll(async () => {
    workshop = await Workshop.open();
    main = await workshop.site();
    // As in a new project: new resources are not known everywhere at once.
    const { faults } = main.plane.cloud;
    faults.accountLag = 4;
    faults.metricLag = 4;
    faults.add({
      permission: 'cloudfunctions.functions.create',
      error: new ApiError(
        'FAILED_PRECONDITION',
        'Invalid resource state for "": Permission denied while using the Eventarc Service Agent. If you recently started to use Eventarc, it may take a few minutes before all necessary permissions are propagated to the Service Agent. Otherwise, verify that it has Eventarc Service Agent role.',
      ),
      times: 1,
    });
    faults.add({
      permission: 'resourcemanager.projects.setIamPolicy',
      error: new ApiError(
        'ABORTED',
        'There were concurrent policy changes. Please retry the whole read-modify-write.',
      ),
      times: 1,
    });
    first = await main.run(PLACE);
    faults.clear();
    made = main.picture();
  }, 900_000);
  afterAll(() => workshop?.close());

  const ofKind = (kind: string): string[] =>
    Object.keys(made.resources).filter((name) => name.includes(`/${kind}/`));

  describe('the first run in an empty project', () => {
    it('succeeds, and lists what it made', () => {
      succeeded(first);
      process.stdout.write(
        `deploy: first run ${first.mutations.length} changes in ${first.seconds.toFixed(0)} s, of ${first.requests.length} requests\n`,
      );
      for (const name of [`${PROJECT}-pipeline-raw`, 'pipeline-processvideo', 'pipeline-events']) {
        expect(first.said).toContain(name);
      }
    });

    it('makes the four buckets: uniform access, nothing public', () => {
      expect(Object.keys(made.resources).filter((name) => name.startsWith('b/'))).toEqual(
        Object.keys(BUCKETS).sort(),
      );
      expect(made.resources).toMatchObject(BUCKETS);
    });

    it('lets state expire, and expires nothing of the tables by age', () => {
      const rules = (name: string) =>
        JSON.stringify(made.resources[`b/${PROJECT}-pipeline-${name}`]?.['lifecycle'] ?? {});
      expect(rules('state')).toContain('"failures/"');
      expect(rules('state')).toContain('"dead-letters/"');
      expect(rules('lake')).not.toContain('"Delete"');
      expect(rules('frames')).not.toContain('"Delete"');
      expect(rules('raw')).not.toContain('"Delete"');
    });

    it('makes the topics and no other', () => {
      expect(ofKind('topics')).toEqual([...TOPICS].sort());
    });

    it('makes the subscriptions and no other: retention, backoff, dead letters, push endpoints', () => {
      expect(ofKind('subscriptions')).toEqual(Object.keys(SUBSCRIPTIONS).sort());
      expect(made.resources).toMatchObject(SUBSCRIPTIONS);
    });

    it('sends what the dead-letter inspector gives up to a topic that fires nothing', () => {
      const name = Object.keys(SUBSCRIPTIONS).find((one) => one.includes('inspectdeadletter'))!;
      expect(made.resources[name]).toMatchObject({
        deadLetterPolicy: {
          deadLetterTopic: expect.stringMatching(/\/topics\/pipeline-dead-letters-unread$/),
          maxDeliveryAttempts: 30,
        },
      });
    });

    it('makes a service account per function, and one for builds', () => {
      expect(ofKind('serviceAccounts')).toEqual([...ACCOUNTS].sort());
    });

    it('grants every role that is needed and no other', () => {
      expect(made.bindings).toEqual([...BINDINGS].sort());
    });

    it('deploys the functions: runtime, sizes, retry, account, environment, no outside callers', () => {
      expect(ofKind('functions')).toEqual(Object.keys(FUNCTIONS).sort());
      expect(made.resources).toMatchObject(FUNCTIONS);
      for (const name of ofKind('functions')) {
        const { environmentVariables } = object(made.resources[name]?.['serviceConfig']);
        const wanted = (FUNCTIONS[name] as { serviceConfig: { environmentVariables: object } }).serviceConfig;
        expect(environmentVariables).toEqual(wanted.environmentVariables);
      }
    });

    it('labels the functions with the commit', () => {
      const commit = execFileSync('git', ['rev-parse', 'HEAD'], {
        cwd: workshop.tree.folder,
        encoding: 'utf8',
      }).trim();
      for (const name of ofKind('functions'))
        expect(made.resources[name]?.['labels']).toMatchObject({ commit });
    });

    it('uploads what the build needs and nothing else', () => {
      const uploads = [...main.plane.cloud.state.resources].filter(([name]) => name.startsWith('uploads/'));
      expect(uploads.length).toBeGreaterThanOrEqual(4);
      const asked = execFileSync('gcloud', ['meta', 'list-files-for-upload', workshop.tree.folder], {
        encoding: 'utf8',
      });
      const listed = asked.trim().split('\n').sort();
      for (const [, { bytes, entries }] of uploads) {
        expect(Number(bytes)).toBeLessThan(1_000_000);
        const names = (entries as string[]).filter((name) => !name.endsWith('/'));
        // gcloud reads .gcloudignore in two ways, and one of them can lose files at the top.
        expect(names).toEqual(listed);
      }
      expect(listed).toEqual(
        expect.arrayContaining(['package.json', 'package-lock.json', 'functions/register.ts']),
      );
      expect(listed.filter((name) => /^(test|local|cli|deploy|node_modules|\.git)\b/.test(name))).toEqual([]);
      expect(first.said).toMatch(/source: \d+ files, \d+ KiB/);
    });

    it("schedules the tables' maintenance every five minutes", () => {
      expect(ofKind('jobs')).toEqual([`projects/${PROJECT}/locations/${REGION}/jobs/pipeline-maintain`]);
      expect(made.resources[ofKind('jobs')[0]!]).toMatchObject({
        schedule: '*/5 * * * *',
        state: 'ENABLED',
        pubsubTarget: { topicName: `projects/${PROJECT}/topics/pipeline-maintenance` },
      });
    });

    it('makes metrics, alerts that say what to do, and a dashboard', () => {
      const metrics = ofKind('metrics').map((name) => name.replace(/^.*\//, ''));
      for (const name of [
        'events_published_total',
        'events_consumed_total',
        // A log-based metric takes the unit of the log field.
        'event_lag_ms',
        'dlq_messages_total',
      ]) {
        expect(metrics).toContain(`pipeline_${name}`);
      }
      const alerts = ofKind('alertPolicies');
      expect(alerts.length).toBeGreaterThanOrEqual(4);
      for (const name of alerts) {
        const { content } = object(made.resources[name]?.['documentation']);
        expect(text(content).length, name).toBeGreaterThan(80);
      }
      expect(ofKind('dashboards')).toHaveLength(1);
    });
  });

  describe('run again', () => {
    it('is refused as long as another deployment of the prefix runs, and takes over from one that was killed', async () => {
      const { cloud } = main.plane;
      const record = { owner: 'me@desk', host: 'desk', pid: 1, expires: '2999-01-01T00:00:00.000Z' };
      const lock = (change: object): void =>
        putObject(
          cloud,
          `${PROJECT}-pipeline-state`,
          'deploy-lock.json',
          Buffer.from(JSON.stringify({ ...record, ...change })),
        );
      cloud.delete(`projects/${PROJECT}/topics/pipeline-replay-ingestevent`);
      lock({});
      const refused = await main.run(PLACE);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /^another deployment is running \(me@desk\): .*2999-01-01.*gcloud storage rm gs:/,
      );
      expect(sent(refused).filter((line) => !line.includes('/upload/'))).toEqual([]);
      lock({ expires: '2001-01-01T00:00:00.000Z' });
      succeeded(await main.run(PLACE));
      expect(main.picture()).toEqual(made);
    });

    it('changes nothing, and says so', async () => {
      // This time each command starts gcloud anew, as for a person, instead of forking the loaded one.
      const second = succeeded(await main.run(PLACE, { env: { PATH: process.env['PATH'] ?? '' } }));
      process.stdout.write(`deploy: second run 0 changes in ${second.seconds.toFixed(0)} s\n`);
      expect(sent(second)).toEqual([]);
      expect(second.said).toContain('nothing to change');
      expect(main.picture()).toEqual(made);
    });

    it('--verify finds nothing, and changes nothing', async () => {
      const run = succeeded(await main.run([...PLACE, '--verify']));
      expect(sent(run)).toEqual([]);
    });
  });

  describe('taken down', () => {
    const left = ({ resources }: Picture): string[] => Object.keys(resources);

    it('does nothing unless the prefix is typed', async () => {
      const run = await main.run([...PLACE, '--destroy'], { input: 'yes\n' });
      expect(run.code).toBe(1);
      expect(run.said).toMatch(/nothing was deleted: type pipeline/);
      expect(sent(run)).toEqual([]);
      expect(main.picture()).toEqual(made);
    });

    it('leaves nothing but what Google owns, and the bucket that holds data', async () => {
      putObject(main.plane.cloud, `${PROJECT}-pipeline-raw`, 'holiday.mp4');
      const run = succeeded(await main.run([...PLACE, '--destroy'], { input: 'pipeline\n' }));
      expect(run.said).toContain(`${PROJECT}-pipeline-raw`);
      expect(left(main.picture())).toEqual([
        `b/${PROJECT}-pipeline-raw`,
        `b/${PROJECT}-pipeline-raw/o/holiday.mp4`,
      ]);
      // Nor the remains of deleted accounts in policies.
      expect(main.picture().bindings.filter((line) => line.includes('serviceAccount:pipeline-'))).toEqual([]);
    });

    it('with --with-data leaves nothing at all', async () => {
      succeeded(await main.run([...PLACE, '--destroy', '--yes', '--with-data']));
      expect(left(main.picture())).toEqual([]);
      expect(main.picture().bindings).toEqual([...GOOGLES_OWN, OWNER].sort());
    });

    it('a second time finds nothing to do', async () => {
      const run = succeeded(await main.run([...PLACE, '--destroy', '--yes']));
      expect(sent(run)).toEqual([]);
    });
  });
});
