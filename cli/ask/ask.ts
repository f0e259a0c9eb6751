import type { Manifest } from '../../functions/video/manifest.ts';
import { readManifest } from '../../functions/video/manifest-shape.ts';
import { questionIdOf, videoNames } from '../../functions/video/records.ts';
import { describeResult } from '../../local/report.ts';
import { printable } from '../../local/terminal-text.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { explainServiceError } from '../common/explain-error.ts';
import { Failure, parseCommand, quoted, UsageError, wholeNumber } from '../common/options.ts';
import { openPublisher } from '../common/publisher.ts';
import { storageOf } from '../common/service.ts';
import type { Opener, Session, Subcommand } from '../common/subcommand.ts';
import { findPlace, PLACE_HELP, PLACE_OPTIONS, type Place, type PlaceOptions } from './place.ts';

export interface Ask extends Session {
  place: Place;
  storage: Storage;
}

export const askOpener: Opener<Ask, PlaceOptions> = {
  open(options, session, env) {
    const place = findPlace(options, env);
    return { place, storage: storageOf(place), ...session };
  },
  explain: async (error, { place }) => explainServiceError(error, place),
};

const MAX_WAIT_SECONDS = 3_600;
const LOOK_MS = 250;
/** Bucket of the uploads in a local cloud. */
const LOCAL_BUCKET = 'raw';

export const ask: Subcommand<Ask, PlaceOptions> = {
  summary: 'asks another question about a stored video',
  help: `usage: pipeline ask gs://BUCKET/NAME[#GENERATION] QUESTION [options]
       pipeline ask NAME QUESTION --local DIR

Asks a question about a video that is stored already, and prints the result. It gets a manifest of its own beside the
first one, which stays as it is. A question that was asked before is not asked again: its result is printed, and nothing
is paid. Functions that answer questions run only on request: "npm start -- --questions", "./deploy.sh --questions".

  --max-moments N    at most this many frames, 1 to 20 (default 1); more than MAX_MOMENTS is refused
  --wait SECONDS     how long to wait for the result, 0 to ${MAX_WAIT_SECONDS} (default 300)
  --json             print the manifest, and nothing else, on standard output
${PLACE_HELP}
Exit code: 0 it is answered, or asked with --wait 0; 1 it was rejected, or not answered in time; 2 wrong usage.
Needs roles/storage.objectViewer on the videos' and frames buckets, and roles/pubsub.publisher on the topic.
`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      'max-moments': { type: 'string' },
      wait: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [upload, question, ...others] = positionals;
    if (upload === undefined || question === undefined || others.length > 0) {
      throw new UsageError(
        `a video and one question in quotes must be given, got ${positionals.length} arguments`,
      );
    }
    if (question.trim() === '') throw new UsageError('the question must have text, got none');
    const asked: Asked = {
      ...parseVideo(upload),
      moment: question.trim(),
      maxMoments: wholeNumber('max-moments', values['max-moments'], { min: 1, max: 20 }) ?? 1,
    };
    const waitSeconds = wholeNumber('wait', values.wait, { min: 0, max: MAX_WAIT_SECONDS }) ?? 300;
    return { place: values, run: (context) => run(context, asked, waitSeconds, values.json) };
  },
};

interface Asked {
  /** Undefined for a bare name, which a local cloud takes. */
  bucket: string | undefined;
  name: string;
  generation: string | undefined;
  moment: string;
  maxMoments: number;
}

/** Throws UsageError. */
function parseVideo(text: string): Pick<Asked, 'bucket' | 'name' | 'generation'> {
  const [, bucket, path = text] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\/(.+)$/s.exec(text) ?? [];
  if (bucket === undefined && text.startsWith('gs://')) {
    throw new UsageError(`the video must be gs://BUCKET/NAME, got ${quoted(text)}`);
  }
  const [, name = path, generation] = /^(.+)#([1-9][0-9]{0,18})$/s.exec(path) ?? [];
  return { bucket, name, generation };
}

async function run(context: Ask, asked: Asked, waitSeconds: number, isJson: boolean): Promise<number> {
  const { place, storage, signal, clock, progress } = context;
  const { name, moment, maxMoments } = asked;
  const bucket = asked.bucket ?? (place.isLocal ? LOCAL_BUCKET : undefined);
  if (bucket === undefined) {
    throw new UsageError(`the video must be gs://BUCKET/NAME, got ${quoted(name)}`);
  }
  const generation = asked.generation ?? (await storage.bucket(bucket).stat(name, { signal }))?.generation;
  if (generation === undefined) throw new Failure(`gs://${bucket}/${printable(name)} is not there`);
  const object = { bucket, name, generation };
  const frames = storage.bucket(place.framesBucket);
  const own = videoNames(object, questionIdOf(asked)).manifest;
  const settled = async (): Promise<Manifest | undefined> => {
    const first = await readManifest(frames, videoNames(object).manifest, signal);
    const isSame = first?.question?.moment === moment && first.question.maxMoments === maxMoments;
    return isSame ? first : readManifest(frames, own, signal);
  };
  const known = await settled();
  if (known) return report(context, asked, known, isJson, 'asked before: nothing was paid');

  const publisher = openPublisher(
    place,
    place.project,
    signal,
    'questions are answered only on request: "npm start -- --questions", "./deploy.sh --questions"',
  );
  try {
    const data = JSON.stringify({ ...object, moment, maxMoments });
    await publisher.publish(
      place.topic.project ? `projects/${place.project}/topics/${place.topic.name}` : place.topic.name,
      [{ data }],
    );
  } finally {
    publisher.close();
  }
  const end = clock.now() + waitSeconds * 1_000;
  progress.start(() => 'waiting for the answer');
  for (;;) {
    const manifest = waitSeconds > 0 ? await settled() : undefined;
    if (manifest) {
      progress.stop();
      return report(context, asked, manifest, isJson);
    }
    if (clock.now() >= end) break;
    await clock.sleep(LOOK_MS, signal);
  }
  progress.stop();
  if (waitSeconds > 0) {
    throw new Failure(
      `no answer within ${waitSeconds} s: ask again later, which costs nothing, or see "npx pipeline dlq list"`,
    );
  }
  if (isJson) await context.out.json({ manifest: `gs://${place.framesBucket}/${own}` });
  else
    await context.out.line(`asked; the manifest will be ${printable(`gs://${place.framesBucket}/${own}`)}`);
  return 0;
}

async function report(
  { out, place }: Ask,
  { name }: Asked,
  manifest: Manifest,
  isJson: boolean,
  note?: string,
): Promise<number> {
  if (isJson) await out.json(manifest);
  else {
    if (note !== undefined) await out.line(note);
    for (const line of describeResult({ file: name, manifest, copies: [] })) await out.line(line);
    for (const { frame } of manifest.moments) {
      await out.line(printable(`    gs://${place.framesBucket}/${frame.name}`));
    }
  }
  return manifest.outcome === 'rejected' ? 1 : 0;
}
