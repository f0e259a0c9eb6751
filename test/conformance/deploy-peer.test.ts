import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Peer } from '../helpers/control-plane/peer.ts';
import {
  gcloudHere,
  PLACE,
  PROJECT,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, with a peer');
/** Config Connector's `mockgcp`, as test/helpers/mockgcp/build makes it. */
const MOCKGCP = process.env['MOCKGCP'] ?? '';
if (!existsSync(MOCKGCP)) process.stdout.write('deploy, with a peer: SKIPPED (MOCKGCP names no program)\n');

describe.runIf(gcloud !== undefined && existsSync(MOCKGCP))(
  "deploy.sh over Config Connector's mockgcp: buckets, topics, subscriptions, accounts, metrics, dashboards, alerts",
  () => {
    let workshop: Workshop;
    let site: Site;
    let peer: Peer;
    let stop: () => void;

    beforeAll(async () => {
      workshop = await Workshop.open();
      site = await workshop.site();
      const child = spawn(MOCKGCP, [], { stdio: ['ignore', 'pipe', 'ignore'] });
      stop = () => child.kill();
      const port = await new Promise<string>((resolve) =>
        child.stdout.once('data', (data) => resolve(String(data))),
      );
      peer = new Peer(`http://127.0.0.1:${port.trim()}`);
      const project = JSON.stringify({ projectId: PROJECT, name: PROJECT });
      await fetch(`${peer.url}/cloudresourcemanager/v1/projects`, { method: 'POST', body: project });
      site.plane.cloud.peer = peer;
    });
    afterAll(async () => {
      stop?.();
      await workshop?.close();
    });

    it('a first run makes all, --verify finds no difference, and a second run sends nothing', async () => {
      succeeded(await site.run(PLACE));
      const made = peer.answers.filter((line) => /^(POST|PUT) .*: 200$/.test(line));
      for (const kind of [
        '/b',
        '/topics/',
        '/subscriptions/',
        '/serviceAccounts',
        '/metrics',
        '/dashboards',
        '/alertPolicies',
      ]) {
        expect(
          made.filter((line) => line.includes(kind)),
          kind,
        ).not.toEqual([]);
      }
      const verified = await site.run([...PLACE, '--verify']);
      expect(verified.code, verified.said).toBe(0);
      const before = peer.answers.length;
      expect(sent(succeeded(await site.run(PLACE)))).toEqual([]);
      expect(peer.answers.slice(before).filter((line) => !line.startsWith('GET'))).toEqual([]);
    }, 900_000);

    it('--destroy deletes all of it', async () => {
      succeeded(await site.run([...PLACE, '--destroy', '--yes', '--with-data']));
      const before = peer.answers.length;
      const again = succeeded(await site.run([...PLACE, '--destroy', '--yes', '--with-data']));
      expect(again.said).toContain('nothing to delete');
      expect(peer.answers.slice(before).filter((line) => !line.startsWith('GET'))).toEqual([]);
    }, 900_000);
  },
);
