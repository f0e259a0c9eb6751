import { printable } from '../../local/terminal-text.ts';
import { type Finding, verifyFiles, verifyLog } from '../../shared/delta/index.ts';
import { bytesText, count, counted, secondsText } from '../common/numbers.ts';
import { oneOf, parseOptions } from '../common/options.ts';
import { eventIdFault, holdsEvents } from './event-id-fault.ts';
import type { LakeSubcommand } from './lake.ts';
import { idColumnOf, type Lake } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, type VersionChoice, versionChoice } from './versions.ts';

/** Maximum number of findings listed in JSON; all are counted. */
const MAX_LISTED = 10_000;

export const verify: LakeSubcommand = {
  summary: 'reads every live file again and checks it against the log',
  help: `usage: pipeline lake verify [options]

Reads everything and checks that each live file exists with the size, rows and bounds that the log states; that each
event_id follows from its row and occurs once; and that every checkpoint agrees with the commits before it.

${VERSION_HELP}  --format FORMAT    text (the default) or json
${PLACE_HELP}
Exit code: 0 all is well, 1 there are findings, one per line.
`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...VERSION_OPTIONS,
      format: { type: 'string', default: 'text' },
    });
    const format = oneOf('format', values.format, ['text', 'json']);
    const version = versionChoice(values, Date.now());
    return { place: values, run: (lake) => run(lake, version, format) };
  },
};

async function run(lake: Lake, version: VersionChoice, format: 'text' | 'json'): Promise<number> {
  const { location, out, progress, signal, clock, place } = lake;
  const started = clock.now();
  const snapshot = await loadVersion(location, version, signal);
  const facts = { files: 0, rows: 0, bytes: 0, commits: 0, checkpoints: 0 };
  const listed: Finding[] = [];
  let findings = 0;
  const report = async (finding: Finding): Promise<void> => {
    findings++;
    if (format === 'text') {
      await out.line(`${finding.kind}: ${printable(finding.where)}: ${printable(finding.what)}`);
    } else if (listed.length < MAX_LISTED) {
      listed.push(finding);
    }
  };
  progress.start(() => {
    const share = snapshot.sizeInBytes === 0 ? 1 : facts.bytes / snapshot.sizeInBytes;
    return (
      `verify: ${counted(facts.commits, 'commit')}, file ${count(facts.files)} of ${count(snapshot.files.size)}, ` +
      `${counted(facts.rows, 'row')}, ${Math.round(share * 100)} %, ${counted(findings, 'finding')}`
    );
  });
  await verifyLog(location, snapshot, { now: clock.now(), signal, report, facts });
  const idFault = holdsEvents(snapshot.fields) ? eventIdFault : undefined;
  await verifyFiles(location, snapshot, { idColumn: idColumnOf(snapshot), idFault, signal, report, facts });
  progress.stop();
  if (format === 'json') {
    const seconds = (clock.now() - started) / 1_000;
    const { version: verified } = snapshot;
    await out.json({ table: place.url, version: verified, ...facts, seconds, findings, list: listed });
  } else {
    await out.line(
      `version ${snapshot.version}: ${counted(facts.rows, 'row')} in ${counted(facts.files, 'file')}, ${bytesText(facts.bytes)}, ` +
        `${counted(facts.commits, 'commit')}, ${counted(facts.checkpoints, 'checkpoint')}, ${secondsText(clock.now() - started)}: ` +
        `${findings === 0 ? 'all is well' : counted(findings, 'finding')}`,
    );
  }
  return findings === 0 ? 0 : 1;
}
