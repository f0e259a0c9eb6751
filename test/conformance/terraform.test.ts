import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../helpers/control-plane/picture.ts';
import { makeKey } from '../helpers/control-plane/services/kms.ts';
import { gcloudHere, REGION, type Site, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';
import { Terraform, terraformHere } from '../helpers/terraform.ts';
import { expectNothingEscaped, plain, readyFor } from '../helpers/terraform-apps.ts';
import { commitSchema, committedSchema, schemaOf } from '../helpers/terraform-schema.ts';

const gcloud = gcloudHere('terraform');
/** Stands for a key that is made in each project. */
const KEY = 'KEY';
const provider = terraformHere('terraform');
/** Apps with options. By default the core alone; `DEPLOYMENTS=all` takes the long ones, too. */
const APPS: [dir: string, options: string[]][] = [
  ['functions', []],
  ...(process.env['DEPLOYMENTS'] === 'all'
    ? ([
        ['functions', ['--audit-data-access', '--kms-key', KEY]],
        ['examples/signup', []],
        ['examples/orders', []],
      ] satisfies [string, string[]][])
    : []),
];

describe.runIf(gcloud !== undefined && provider !== undefined).each(APPS)(
  '%s with %j as Terraform',
  (dir, options) => {
    let workshop: Workshop;
    let byTerraform: Site;
    let byGcloud: Site;
    const folders: string[] = [];
    const close: (() => void)[] = [];

    const folderOf = (): string => {
      const folder = mkdtempSync(join(tmpdir(), 'terraform-app-'));
      folders.push(folder);
      return folder;
    };
    const terraform = (site: Site, folder: string): Terraform => {
      const one = new Terraform(provider!, site.plane, site.env, folder);
      close.push(() => one.close());
      return one;
    };

    beforeAll(async () => {
      workshop = await Workshop.open();
      [byTerraform, byGcloud] = [await workshop.site(), await workshop.site()];
    });
    afterAll(async () => {
      for (const one of close) one();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      await workshop?.close();
    });

    const argsFor = async (site: Site): Promise<string[]> => {
      const key = options.includes(KEY) ? makeKey(site.plane.cloud, REGION) : KEY;
      const more = options.map((one) => (one === KEY ? key : one));
      return [...(await readyFor(dir, site, workshop.tree.folder)), ...more];
    };

    let made: Picture;

    it('applies in an empty project; then --verify is clean and a second plan is empty', async () => {
      const args = await argsFor(byTerraform);
      const folder = folderOf();
      const written = succeeded(await byTerraform.run([...args, '--format', 'terraform', '--out', folder]));
      expect(sent(written)).toEqual([]);
      const tf = terraform(byTerraform, folder);
      const valid = await tf.run('validate', '-no-color');
      expect(valid.said).toMatch(/configuration is valid/);
      const applied = await tf.apply();
      expect(applied.code, applied.said.slice(-6_000)).toBe(0);
      expect(sent(succeeded(await byTerraform.run([...args, '--verify'])))).toEqual([]);
      expect(await tf.plan()).toEqual([]);
      made = byTerraform.picture();
      expectNothingEscaped(byTerraform);
    }, 900_000);

    it('imports what gcloud deployed: the plan changes nothing, and an apply sends nothing', async () => {
      const args = await argsFor(byGcloud);
      succeeded(await byGcloud.run(args));
      const folder = folderOf();
      const asked = succeeded(
        await byGcloud.run([...args, '--format', 'terraform', '--out', folder, '--import']),
      );
      expect(sent(asked)).toEqual([]);
      const tf = terraform(byGcloud, folder);
      const planned = await tf.plan();
      expect(planned.filter(({ actions }) => actions.join() !== 'no-op')).toEqual([]);
      const [, count] = /(\d+) resources, (\d+) of them to import/.exec(asked.said) ?? [];
      expect(planned.length).toBe(Number(count));
      expect(planned.length).toBeGreaterThan(100);
      const before = byGcloud.plane.cloud.journal.length;
      const applied = await tf.apply();
      expect(applied.code, applied.said.slice(-6_000)).toBe(0);
      expect(byGcloud.plane.cloud.journal.slice(before)).toEqual([]);
      expect(sent(succeeded(await byGcloud.run([...args, '--verify'])))).toEqual([]);
      expectNothingEscaped(byGcloud);
    }, 900_000);

    it('both ways end in the same resources', () => {
      const own = /tf-sources/;
      const same = ({ services, resources, bindings }: Picture): unknown => ({
        services,
        bindings: bindings.filter((line) => !own.test(line)),
        resources: Object.fromEntries(
          Object.entries(resources)
            .filter(([name]) => !own.test(name))
            .map(([name, one]) => [name, plain(withoutArchive(one))]),
        ),
      });
      expect(same(made)).toEqual(same(byGcloud.picture()));
    });
  },
);

describe.runIf(provider !== undefined)('the committed schema', () => {
  it("is the provider's; WRITE_SCHEMA=1 writes it again", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'terraform-schema-'));
    writeFileSync(
      join(folder, 'main.tf.json'),
      JSON.stringify({ terraform: { required_providers: { google: { source: 'hashicorp/google' } } } }),
    );
    const tf = new Terraform(provider!, undefined, process.env, folder);
    const { said } = await tf.run('providers', 'schema', '-json');
    const types = Object.keys(committedSchema().resources);
    const schema = schemaOf(said.slice(said.indexOf('{')), provider!, types);
    if (process.env['WRITE_SCHEMA'] === '1') commitSchema(schema);
    expect(committedSchema()).toEqual(schema);
    tf.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

/** A function without its archive, which lies elsewhere, and gcloud's own label. */
function withoutArchive(resource: Record<string, unknown>): unknown {
  return JSON.parse(
    JSON.stringify(resource, (key, value) =>
      key === 'storageSource' || key === 'deployment-tool' ? undefined : value,
    ),
  );
}
