import { printable } from '../../local/terminal-text.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import { canAsk, confirm, needsYes } from '../common/confirm.ts';
import { bytesText, count, counted, secondsText } from '../common/numbers.ts';
import { Failure, parseCommand, quoted, UsageError } from '../common/options.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { findTraces, type Traces, type Upload } from './traces.ts';
import type { Uploads, UploadsSubcommand } from './uploads.ts';

const DELETES_AT_A_TIME = 16;

export const erase: UploadsSubcommand = {
  summary: 'erases frames, manifest and records of an uploaded video',
  help: `usage: pipeline uploads erase gs://BUCKET/NAME[#GENERATION] [--dry-run] [--yes] [options]

Deletes what an upload left in the frames bucket (images, clips, manifests) and in the state bucket (answers,
leases, failed attempts); without a generation, what every version uploaded under the name left. It then lists the other
places that hold data about it, with the commands to erase that. If the command is interrupted, run it again: it
continues. Delete the video first: a video that is delivered again is processed again.

Frames can be restored for 7 days, by the bucket's soft delete. The slot that the upload took in its day's budget
expires after 3 days. docs/data.md lists all data that is kept.

  --dry-run          only list what would be deleted
  --yes              do not ask; required without a terminal
  --json             print JSON, and nothing else, on standard output
${PLACE_HELP}
Needs roles/storage.objectUser on the frames and state buckets, and roles/storage.objectViewer on the video's bucket.
`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      'dry-run': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const [text, ...others] = positionals;
    if (text === undefined || others.length > 0) {
      throw new UsageError(`exactly one upload must be given as gs://BUCKET/NAME, got ${positionals.length}`);
    }
    const upload = parseUpload(text);
    const isDryRun = values['dry-run'];
    if (!isDryRun && !values.yes && !canAsk()) throw needsYes();
    const options = { upload, isDryRun, isSure: values.yes, isJson: values.json };
    return { place: values, run: (uploads) => run(uploads, options) };
  },
};

interface Options {
  upload: Upload;
  isDryRun: boolean;
  isSure: boolean;
  isJson: boolean;
}

/** The generation is the part after the last `#`, if that is a number. Throws UsageError. */
export function parseUpload(text: string): Upload {
  const [, bucket, rest = ''] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\/(.+)$/s.exec(text) ?? [];
  if (bucket === undefined) {
    throw new UsageError(
      `the upload must be gs://BUCKET/NAME or gs://BUCKET/NAME#GENERATION, got ${quoted(text)}`,
    );
  }
  const [, name = rest, generation] = /^(.+)#([1-9][0-9]{0,18})$/s.exec(rest) ?? [];
  return { bucket, name, generation };
}

async function run(uploads: Uploads, { upload, isDryRun, isSure, isJson }: Options): Promise<number> {
  const { out, progress, signal, clock, storage, place } = uploads;
  const stores = {
    raw: storage.bucket(upload.bucket),
    frames: storage.bucket(place.framesBucket),
    state: storage.bucket(place.stateBucket),
  };
  progress.start(() => 'looking for what is there');
  const traces = await findTraces(upload, stores, signal);
  progress.stop();
  const { frames, state } = traces;
  const leftMs = (traces.busyUntil ?? 0) - clock.now();
  if (!isDryRun && leftMs > 0) {
    throw new Failure(`it is being processed: its lease ends in ${secondsText(leftMs)}; try again then`);
  }
  const found = `${counted(frames.length, 'object')} in gs://${place.framesBucket} and ${count(state.length)} in gs://${place.stateBucket}`;
  const total = frames.length + state.length;
  if (!isDryRun && total > 0) {
    if (!isSure) await confirm(`delete ${found}?`, signal);
    let done = 0;
    progress.start(() => `${count(done)} of ${counted(total, 'object')} deleted`);
    // the manifest last: an attempt that finds it does nothing, and a resumed run needs its correlation id
    const isManifest = ({ name }: ObjectFacts): boolean => name.endsWith('/manifest.json');
    const remove = async (store: ObjectStore, objects: readonly ObjectFacts[]): Promise<void> => {
      await mapConcurrent(objects, DELETES_AT_A_TIME, async ({ name, generation }) => {
        signal.throwIfAborted();
        await store.delete(name, { generation, signal });
        done++;
      });
    };
    await remove(stores.state, state);
    await remove(
      stores.frames,
      frames.filter((facts) => !isManifest(facts)),
    );
    await remove(stores.frames, frames.filter(isManifest));
    progress.stop();
  }
  if (isJson) {
    const names = (bucket: string, objects: readonly ObjectFacts[]): string[] =>
      objects.map(({ name }) => `gs://${bucket}/${name}`);
    const objects = [...names(place.framesBucket, frames), ...names(place.stateBucket, state)];
    const { generations, correlationIds, isLive } = traces;
    await out.json({ isDryRun, deleted: isDryRun ? 0 : total, objects, generations, correlationIds, isLive });
    return 0;
  }
  if (isDryRun)
    for (const { name } of frames) await out.line(printable(`gs://${place.framesBucket}/${name}`));
  if (isDryRun) for (const { name } of state) await out.line(printable(`gs://${place.stateBucket}/${name}`));
  const bytes = bytesText([...frames, ...state].reduce((sum, { size }) => sum + size, 0));
  if (total === 0) await out.line('nothing is left of it in the frames and state buckets');
  else await out.line(`${found}, ${bytes}: ${isDryRun ? 'would be deleted (dry run)' : 'deleted'}`);
  for (const line of elsewhere(upload, traces)) await out.line(line);
  return 0;
}

/** Other places that hold data about the upload, with the command for each. */
function elsewhere({ bucket, name, generation }: Upload, { correlationIds, isLive }: Traces): string[] {
  const shown = (text: string): string => `'${printable(text).replaceAll("'", "'\\''")}'`;
  const url = `gs://${bucket}/${name}${generation === undefined ? '' : `#${generation}`}`;
  return [
    'what else may hold data about it:',
    isLive
      ? `  the video itself: gcloud storage rm ${shown(url)} (soft delete keeps it for 7 days)`
      : '  the video itself: gone, but for 7 days of soft delete',
    ...correlationIds.map(
      (id) => `  its events: npx pipeline lake erase --correlation ${shown(id)} --reason …`,
    ),
    `  events about it: npx pipeline lake erase --source ${shown(`/processVideo/${bucket}`)} --subject ${shown(`objects/${encodeURI(name)}`)} --reason …`,
    '  dead letters: npx pipeline dlq list --letters --status all, then npx pipeline dlq erase',
  ];
}
