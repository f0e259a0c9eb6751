import { beforeEach, describe, expect, test } from 'vitest';
import { Cloud } from '../../deploy/cloud.ts';
import type { Context } from '../../deploy/context.ts';
import { deployAll, dryRun, verifyAll } from '../../deploy/deploy.ts';
import { destroyAll } from '../../deploy/destroy.ts';
import { Names } from '../../deploy/names.ts';
import { parseOptions } from '../../deploy/options.ts';
import { core } from '../../functions/app.ts';
import { type App, defineApp } from '../../shared/app/define-app.ts';
import { messagePublished } from '../../shared/app/trigger.ts';
import { RecordedGcloud } from '../helpers/recorded-gcloud.ts';

const SOURCE = { files: 3, bytes: 1_000, hash: '0123456789abcdef', commit: 'c0ffee' };
const FIRED = ['pipeline-ingestevent', 'pipeline-maintaintable', 'pipeline-inspectdeadletter'];
const PUSH = 'subscription pipeline-push-ingestevent';

let gcloud: RecordedGcloud;
let lines: string[];
const say = (line: string): void => {
  lines.push(line);
};

function run(app: App = core, args: string[] = []): Context {
  const options = parseOptions(['--project', 'demo-project', '--region', 'europe-west1', ...args], {}, app);
  const names = new Names({ ...options, projectNumber: '12345' });
  lines = [];
  gcloud.changes.length = 0;
  return { app, options, names, cloud: new Cloud(gcloud, names.place), source: SOURCE, settings: {} };
}

const deploy = (app?: App) => deployAll(run(app), gcloud, say);

function picture(): unknown {
  const held = [...gcloud.policies].flatMap(([on, bindings]) =>
    bindings.flatMap(({ role, members }) => members.map((member) => `${on} ${role} ${member}`)),
  );
  return structuredClone({ things: new Map([...gcloud.things].sort()), held: held.sort() });
}

/** Publishes to the events topic before every change; returns what was published. */
function publishAllTheTime(also: (nth: number) => void = () => {}): number[] {
  const published: number[] = [];
  let nth = 0;
  gcloud.before = () => {
    published.push(gcloud.publish('pipeline-events'));
    also(++nth);
  };
  return published;
}

/** An app whose ingestEvent takes only some messages. */
function filtered(filter: string): App {
  const functions = core.functions.map((one) =>
    one.name === 'ingestEvent' ? { ...one, trigger: messagePublished({ topic: 'events', filter }) } : one,
  );
  return defineApp({ ...core, functions });
}

const held = (): number[] => [...(gcloud.backlogs.get(PUSH) ?? [])].sort((a, b) => a - b);

beforeEach(() => {
  gcloud = new RecordedGcloud();
});

describe('functions fired by Eventarc get their own subscriptions', () => {
  test('they have the backlog and what is published meanwhile; all else is as in a new project', async () => {
    await deploy();
    const fresh = picture();
    gcloud.fireByEventarc(...FIRED);
    const waiting = [gcloud.publish('pipeline-events'), gcloud.publish('pipeline-events')];
    const published = publishAllTheTime();
    await deploy();
    expect(held()).toEqual([...waiting, ...published]);
    expect(picture()).toEqual(fresh);
    const ofIngest = gcloud.changes.filter((change) => /ingestevent/.test(change) && !/policy/.test(change));
    expect(ofIngest).toEqual([
      'pubsub subscriptions create pipeline-push-ingestevent',
      'pubsub snapshots create pipeline-push-ingestevent',
      'pubsub subscriptions seek pipeline-push-ingestevent',
      'functions delete pipeline-ingestevent',
      'functions deploy pipeline-ingestevent',
      // seeks again, now that the other is gone, and starts pushes
      'pubsub subscriptions seek pipeline-push-ingestevent',
      'pubsub subscriptions update pipeline-push-ingestevent',
      'pubsub snapshots delete pipeline-push-ingestevent',
    ]);
    gcloud.before = () => {};
    expect(await deploy()).toBe(0);
    await verifyAll(run(), say);
  });

  test('wherever it is interrupted, the next run continues and nothing is lost', async () => {
    for (let at = 1; ; at++) {
      gcloud = new RecordedGcloud();
      await deploy();
      const fresh = picture();
      gcloud.fireByEventarc(...FIRED);
      const waiting = gcloud.publish('pipeline-events');
      let killed = false;
      const published = publishAllTheTime((nth) => {
        if (nth !== at) return;
        killed = true;
        throw new Error('killed');
      });
      await deploy().catch(() => undefined);
      await deploy();
      expect(held(), `killed before change ${at}`).toEqual([waiting, ...published]);
      expect(picture(), `killed before change ${at}`).toEqual(fresh);
      gcloud.before = () => {};
      expect(await deploy()).toBe(0);
      if (!killed) return expect(at).toBeGreaterThan(20);
    }
  });

  test('--verify says so, and a dry run prints every command once, for bash', async () => {
    await deploy();
    gcloud.fireByEventarc(...FIRED);
    await expect(verifyAll(run(), say)).rejects.toThrow('from the desired state');
    expect(lines.join('\n')).toMatch(/delete function pipeline-ingestevent: Eventarc triggers it/);
    const changes = await dryRun(run(), say);
    const commands = lines.join('\n').match(/^gcloud .*$/gm)!;
    expect(commands).toHaveLength(changes);
    expect(new Set(commands).size).toBe(changes);
    const push = commands.filter((one) => /subscriptions [\w-]+ pipeline-push-ingestevent/.test(one));
    expect(push.map((one) => /subscriptions (\S+)/.exec(one)![1])).toEqual([
      'create',
      'seek',
      'update',
      'add-iam-policy-binding',
    ]);
    expect(push[0]).not.toContain('--push-endpoint');
    expect(push[2]).toContain('--push-endpoint="$(gcloud functions describe pipeline-ingestevent ');
    // its service is new and has no policy
    expect(commands.filter((one) => /run services add-iam.* pipeline-ingestevent/.test(one))).toHaveLength(1);
    expect(commands.filter((one) => /snapshots delete/.test(one))).toHaveLength(FIRED.length);
    expect(gcloud.changes).toEqual([]);
  });

  test('--destroy removes what an interrupted run left, snapshots included', async () => {
    await deploy();
    gcloud.fireByEventarc(...FIRED);
    gcloud.before = (command) => {
      if (command === 'functions delete') throw new Error('killed');
    };
    await expect(deploy()).rejects.toThrow('killed');
    expect(gcloud.all('snapshot')).toHaveLength(FIRED.length);
    gcloud.before = () => {};
    await destroyAll(run(core, ['--destroy', '--yes']), gcloud, say);
    expect([...gcloud.things.keys()]).toEqual([]);
  });
});

describe('another filter means another subscription', () => {
  const FILTER = 'attributes."ce-type" = "a"';

  test("the old one's backlog is in the new one, wherever it is interrupted", async () => {
    for (let at = 1; ; at++) {
      gcloud = new RecordedGcloud();
      await deploy();
      const waiting = gcloud.publish('pipeline-events');
      let killed = false;
      const published = publishAllTheTime((nth) => {
        if (nth !== at) return;
        killed = true;
        throw new Error('killed');
      });
      const app = filtered(FILTER);
      await deploy(app).catch(() => undefined);
      await deploy(app);
      expect(held(), `killed before change ${at}`).toEqual([waiting, ...published]);
      expect(gcloud.things.get(PUSH)).toMatchObject({ filter: FILTER });
      gcloud.before = () => {};
      expect(await deploy(app)).toBe(0);
      if (!killed) return expect(at).toBeGreaterThan(5);
    }
  });

  test('the reason names the old one', async () => {
    await deploy();
    await expect(verifyAll(run(filtered(FILTER)), say)).rejects.toThrow('differ');
    expect(lines.join('\n')).toMatch(/messages for ingestEvent: its filter is none, which cannot be changed/);
  });
});
