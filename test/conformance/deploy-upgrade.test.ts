import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../helpers/control-plane/deploy.ts';
import type { Picture } from '../helpers/control-plane/picture.ts';
import { createTrigger } from '../helpers/control-plane/services/eventarc.ts';
import { publish } from '../helpers/control-plane/services/pubsub.ts';
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

const gcloud = gcloudHere('deploy, upgrade');
const PUSHED: Record<string, string> = {
  ingestevent: 'events',
  maintaintable: 'maintenance',
  inspectdeadletter: 'dead-letters',
};
const EVENTS = `projects/${PROJECT}/topics/pipeline-events`;
const HEIR = `projects/${PROJECT}/subscriptions/pipeline-push-ingestevent`;

/** Puts the project into the state of a version in which Eventarc fired topic functions. */
function fireByEventarc({ plane: { cloud } }: Site): void {
  const bindings = cloud.state.policies.get(`projects/${PROJECT}`)!.bindings;
  for (const [id, topic] of Object.entries(PUSHED)) {
    const account = `pipeline-${id}@${PROJECT}.iam.gserviceaccount.com`;
    cloud.delete(`projects/${PROJECT}/subscriptions/pipeline-push-${id}`);
    bindings
      .find(({ role }) => role === 'roles/eventarc.eventReceiver')!
      .members.push(`serviceAccount:${account}`);
    const place = `projects/${PROJECT}/locations/${REGION}`;
    const found = cloud.get(`${place}/functions/pipeline-${id}`)!;
    const eventTrigger = {
      eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
      pubsubTopic: `projects/${PROJECT}/topics/pipeline-${topic}`,
      serviceAccountEmail: account,
      triggerRegion: REGION,
      retryPolicy: 'RETRY_POLICY_RETRY',
    };
    const trigger = createTrigger(cloud, {
      functionId: `pipeline-${id}`,
      location: REGION,
      service: `${place}/services/pipeline-${id}`,
      uri: text(object(found['serviceConfig'])['uri']),
      eventTrigger,
    });
    found['eventTrigger'] = { ...eventTrigger, trigger };
  }
}

describe.runIf(gcloud !== undefined)('deploy.sh over a version whose topics Eventarc delivered', () => {
  let workshop: Workshop;
  let site: Site;
  let fresh: Picture;

  beforeAll(async () => {
    workshop = await Workshop.open();
    site = await workshop.deployedSite();
    fresh = site.picture();
  }, 900_000);
  afterAll(() => workshop?.close());

  const held = (): number[] => [...(site.plane.cloud.state.backlogs.get(HEIR) ?? [])].sort((a, b) => a - b);

  /** Publishes a message every few milliseconds while `work` runs. */
  async function publishing(published: number[], work: () => Promise<Run>): Promise<Run> {
    const timer = setInterval(() => published.push(publish(site.plane.cloud, EVENTS)), 20);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  it('killed in the middle and run again: it ends like a new project, and no message is lost', async () => {
    fireByEventarc(site);
    const published = [publish(site.plane.cloud, EVENTS)];
    const killed = await publishing(published, () => site.run(PLACE, { killAt: { nth: 9, when: 'after' } }));
    expect(killed.code, killed.said).toBeNull();
    const run = succeeded(await publishing(published, () => site.run(PLACE)));
    expect(run.said).toMatch(/delete function pipeline-ingestevent: Eventarc triggers it/);
    expect(published.length).toBeGreaterThan(100);
    expect(held()).toEqual(published);
    expect(site.picture()).toEqual(fresh);
    expect(sent(succeeded(await site.run(PLACE)))).toEqual([]);
  });

  it('the printed commands have the same result in bash', async () => {
    fireByEventarc(site);
    const printed = succeeded(await site.run([...PLACE, '--dry-run']));
    const published = [publish(site.plane.cloud, EVENTS)];
    succeeded(await publishing(published, () => site.run(PLACE, { script: printed.stdout })));
    expect(held()).toEqual(expect.arrayContaining(published));
    expect(sent(succeeded(await site.run([...PLACE, '--verify'])))).toEqual([]);
    expect(site.picture()).toEqual(fresh);
  });
});
