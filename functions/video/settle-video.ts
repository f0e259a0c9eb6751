import type { Context } from '../../shared/invocation/context.ts';
import { type Outcome, outcome, reportPublished } from '../../shared/invocation/outcome.ts';
import type { VisionModel } from '../../shared/vision/vision-model.ts';
import { type Asked, type Processed, processVideo, type VideoTools } from './process-video.ts';
import { publishOutcome } from './publish-outcome.ts';
import type { Question } from './questions.ts';
import { videoNames } from './records.ts';
import type { VideoConfig } from './settings.ts';
import { videoTools } from './tools.ts';
import type { VideoObject } from './video-object.ts';

type VideoContext = Context<VideoConfig>;

/** Answers the questions of an upload, or the given one, each with a manifest and an event. */
export async function settleVideo(
  object: VideoObject,
  functionName: string,
  context: VideoContext,
  question?: Question,
): Promise<Outcome> {
  const { settings, storage, log, trace } = context;
  const opened = videoTools(settings, storage, log);
  const model = async (): Promise<VisionModel> => {
    const chosen = await opened.model();
    return { ask: (asked) => trace(`ask ${settings.gemini.model}`, () => chosen.ask(asked)) };
  };
  const tools: VideoTools = { ...opened, model, functionName };
  const settle = async (asked: Asked): Promise<Outcome> => {
    const processed = await processVideo(object, tools, context, asked);
    return outcomeOf(processed, await announce(processed, functionName, context), context);
  };
  if (question) return settle({ question });
  return settle({
    async further(questions) {
      for (const each of questions) context.report(await settle({ question: each }));
    },
  });
}

/** Id of the message that published the outcome; undefined if there was none. */
async function announce(
  { manifest, ours }: Processed,
  functionName: string,
  context: VideoContext,
): Promise<string | undefined> {
  const { eventsTopic: topic, framesBucket, stateBucket, limits } = context.settings;
  if (topic === undefined) return undefined;
  const state = context.storage.bucket(stateBucket);
  const { publisher } = context;
  const { source: upload, question } = manifest;
  const names = videoNames(upload, question?.id);
  const tools = { topic, publisher, state, names, framesBucket, limits, functionName };
  const messageId = await publishOutcome(manifest, ours, tools, context);
  if (messageId !== undefined) {
    const [type, source] = [`video.${manifest.outcome}`, `/processVideo/${upload.bucket}`];
    reportPublished(context.log, { type, source, topic, messageId });
  }
  return messageId;
}

function outcomeOf(
  { manifest, ours }: Processed,
  published: string | undefined,
  { event, startedAt }: VideoContext,
): Outcome {
  const uploadedAt = event.time === undefined ? Number.NaN : Date.parse(event.time);
  const fields = {
    code: manifest.rejection?.code,
    reason: manifest.rejection?.reason,
    correlationId: manifest.correlationId,
    question: manifest.question?.id,
    frames: manifest.moments.map((moment) => moment.frame.name),
    tokens: manifest.tokens?.total,
    estimatedCost: manifest.estimatedCost,
    reads: manifest.reads,
    timings: manifest.timings,
    attempts: manifest.attempts,
    published,
    lagMs: Number.isNaN(uploadedAt) ? undefined : startedAt - uploadedAt,
  };
  return ours
    ? outcome(manifest.outcome, fields, 'video settled')
    : outcome('duplicate', fields, 'video was settled before');
}
