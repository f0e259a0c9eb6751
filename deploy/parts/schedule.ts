import type { Schedule } from '../../shared/app/trigger.ts';
import { type Job, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

export const ZONE = 'Etc/UTC';
/** The message has no content: its arrival is the signal. */
export const BODY = '{}';

export const schedule: Part = {
  title: 'schedule',
  changes: ['jobs'],
  async plan(context) {
    const jobs = await context.cloud.jobs();
    return chosen(context).flatMap(({ name, trigger }): Step[] => {
      if (trigger.kind !== 'schedule') return [];
      const job = context.names.schedule(name, trigger);
      const found = jobs.find((one) => shortName(one.name) === job);
      if (!found) return [set('create', job, `calls ${name} at ${trigger.cron}`, trigger, context)];
      const differs = differences(found, trigger, context);
      const steps = differs.length === 0 ? [] : [set('update', job, differs.join('; '), trigger, context)];
      return found.state === 'PAUSED' ? [...steps, resume(job, name, context)] : steps;
    });
  },
};

function differences(
  { schedule: cron, timeZone, pubsubTarget = {} }: Job,
  wanted: Schedule,
  { names }: Context,
): string[] {
  const pairs = [
    ['schedule', cron, wanted.cron],
    ['time zone', timeZone, ZONE],
    ['topic', pubsubTarget.topicName, names.topicPath(names.topic(wanted.topic))],
    ['message', Buffer.from(pubsubTarget.data ?? '', 'base64').toString(), BODY],
  ] as const;
  return pairs
    .filter(([, is, should]) => is !== should)
    .map(([what, is, should]) => `${what} is ${is ?? 'not set'}, not ${should}`);
}

function set(
  verb: 'create' | 'update',
  job: string,
  why: string,
  { cron, topic }: Schedule,
  context: Context,
): Step {
  const { names } = context;
  return {
    verb,
    what: `scheduler job ${job}`,
    why,
    command: [
      ...['scheduler', 'jobs', verb, 'pubsub', job, inProject(context)],
      `--location=${names.place.region}`,
      ...[`--schedule=${cron}`, `--time-zone=${ZONE}`],
      `--topic=${names.topicPath(names.topic(topic))}`,
      `--message-body=${BODY}`,
    ],
    lane: 'schedule',
  };
}

function resume(job: string, name: string, context: Context): Step {
  const { place } = context.names;
  return {
    verb: 'update',
    what: `scheduler job ${job}`,
    why: `it is paused: ${name} would not run`,
    command: ['scheduler', 'jobs', 'resume', job, inProject(context), `--location=${place.region}`],
    lane: 'schedule',
  };
}
