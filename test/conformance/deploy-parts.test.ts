import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BINDINGS, FUNCTIONS, SUBSCRIPTIONS } from '../helpers/control-plane/expected.ts';
import { gcloudHere, PLACE, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, in parts');

describe.runIf(gcloud !== undefined)('deploy.sh, alternatives to one full run', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop?.close());

  it('--dry-run prints a script that makes the whole deployment', async () => {
    const { run, picture } = await workshop.site();
    const { stdout } = succeeded(await run([...PLACE, '--dry-run']));
    succeeded(await run([], { script: stdout }));
    const { resources, bindings } = picture();
    expect(resources).toMatchObject(FUNCTIONS);
    expect(resources).toMatchObject(SUBSCRIPTIONS);
    expect(bindings).toEqual([...BINDINGS].sort());
    expect(sent(succeeded(await run([...PLACE, '--verify'])))).toEqual([]);
  });

  it('--only deploys one function with its own resources, and the rest later', async () => {
    const { run, picture } = await workshop.site();
    succeeded(await run([...PLACE, '--only', 'ingestEvent']));
    const part = picture();
    const functions = Object.keys(part.resources).filter((name) => name.includes('/functions/'));
    expect(functions.map((name) => name.replace(/^.*\//, ''))).toEqual(['pipeline-ingestevent']);
    expect(part.bindings.filter((line) => /processvideo|maintaintable|inspectdeadletter/.test(line))).toEqual(
      [],
    );
    expect(sent(succeeded(await run([...PLACE, '--only', 'ingestEvent', '--verify'])))).toEqual([]);

    succeeded(await run(PLACE));
    expect(picture().resources).toMatchObject({ ...part.resources, ...FUNCTIONS });
    expect(picture().bindings).toEqual([...BINDINGS].sort());
  });
});
