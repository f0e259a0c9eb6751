import type { Schedule } from '../../shared/app/trigger.ts';
import { type Job, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

const ZONE = 'Etc/UTC';
/** The message only says that it is time. */
const BODY = '{}';

export const schedule: Part = {
  title: 'schedule',
  async plan(context) {
    const jobs = await context.cloud.jobs();
    return chosen(context).flatMap(({ name, trigger }): Step[] => {
      if (trigger.kind !== 'schedule') return [];
      const found = jobs.find((job) => shortName(job.name) === context.names.schedule);
      if (!found) return [set('create', `calls ${name} at ${trigger.cron}`, trigger, context)];
      const differs = differences(found, trigger, context);
      const steps = differs.length === 0 ? [] : [set('update', differs.join('; '), trigger, context)];
      return found.state === 'PAUSED' ? [...steps, resume(context)] : steps;
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

function set(verb: 'create' | 'update', why: string, { cron, topic }: Schedule, context: Context): Step {
  const { names } = context;
  return {
    verb,
    what: `scheduler job ${names.schedule}`,
    why,
    command: [
      ...['scheduler', 'jobs', verb, 'pubsub', names.schedule, inProject(context)],
      `--location=${names.place.region}`,
      ...[`--schedule=${cron}`, `--time-zone=${ZONE}`],
      `--topic=${names.topicPath(names.topic(topic))}`,
      `--message-body=${BODY}`,
    ],
    lane: 'schedule',
  };
}

function resume(context: Context): Step {
  const { schedule: name, place } = context.names;
  return {
    verb: 'update',
    what: `scheduler job ${name}`,
    why: 'it is paused: tables would grow slow',
    command: ['scheduler', 'jobs', 'resume', name, inProject(context), `--location=${place.region}`],
    lane: 'schedule',
  };
}
