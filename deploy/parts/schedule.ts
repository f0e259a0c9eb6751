import { type Job, shortName } from '../cloud-types.ts';
import { type Context, inProject, type Part } from '../context.ts';
import type { Step } from '../step.ts';

const EVERY = '*/5 * * * *';
const ZONE = 'Etc/UTC';
/** The message only says that it is time. */
const BODY = '{}';

export const schedule: Part = {
  title: 'schedule',
  async plan(context) {
    if (context.options.only !== undefined && context.options.only !== 'maintainTable') return [];
    const name = context.names.schedule;
    const found = (await context.cloud.jobs()).find((job) => shortName(job.name) === name);
    if (!found) return [set('create', 'calls maintainTable every five minutes', context)];
    const differs = differences(found, context);
    const steps = differs.length === 0 ? [] : [set('update', differs.join('; '), context)];
    return found.state === 'PAUSED' ? [...steps, resume(context)] : steps;
  },
};

function differences({ schedule: every, timeZone, pubsubTarget = {} }: Job, { names }: Context): string[] {
  const pairs = [
    ['schedule', every, EVERY],
    ['time zone', timeZone, ZONE],
    ['topic', pubsubTarget.topicName, names.topicPath(names.topic('maintenance'))],
    ['message', Buffer.from(pubsubTarget.data ?? '', 'base64').toString(), BODY],
  ] as const;
  return pairs
    .filter(([, is, wanted]) => is !== wanted)
    .map(([what, is, wanted]) => `${what} is ${is ?? 'not set'}, not ${wanted}`);
}

function set(verb: 'create' | 'update', why: string, context: Context): Step {
  const { names } = context;
  return {
    verb,
    what: `scheduler job ${names.schedule}`,
    why,
    command: [
      ...['scheduler', 'jobs', verb, 'pubsub', names.schedule, inProject(context)],
      `--location=${names.place.region}`,
      ...[`--schedule=${EVERY}`, `--time-zone=${ZONE}`],
      `--topic=${names.topicPath(names.topic('maintenance'))}`,
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
