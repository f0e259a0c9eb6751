import { randomBytes } from 'node:crypto';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import { count, counted, secondsText } from '../common/numbers.ts';
import { parseCommand, UsageError, wholeNumber } from '../common/options.ts';
import { openPublisher } from '../common/publisher.ts';
import { checkChoice, choose, NAME_HELP, parseNames } from './choose.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { FILTER_HELP, FILTER_OPTIONS, type LetterFilter, toFilter, UNSETTLED } from './filter-options.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { planReplay } from './replay-plan.ts';
import { asJson, describeOutcomes, describePlan, exitCode, markedOf, type Report } from './replay-report.ts';
import { sendLetters } from './replay-send.ts';
import { waitForOutcomes } from './replay-wait.ts';
import {
  EFFECT_HELP,
  EFFECT_OPTIONS,
  type EffectClaim,
  parseClaim,
  settleEffects,
  unknownEffects,
} from './settle-effects.ts';

const DEFAULT_RATE = 50;

export const replay: DlqSubcommand = {
  summary: 'replays dead letters to the function that failed, and to no other',
  help: `usage: pipeline dlq replay <letter or group>... [options]
       pipeline dlq replay <filters> [options]

Publishes the original events again, only to the functions that failed: no other subscriber of their topics sees them.
An argument is ${NAME_HELP}; without one,
all letters that match the filters are replayed. Letters that are settled, or whose replay has no outcome yet, are
skipped. Objects of storage events are checked first: if an object is gone or was replaced, its letter is listed and
skipped.

  --all              all unsettled letters, without a filter
  --again            include letters that are settled or have no outcome yet
  --dry-run          show what would be published, and publish nothing
  --rate N           publish at most N dead letters per second (default ${DEFAULT_RATE})
  --wait SECONDS     then wait until each is resolved or has failed again
${EFFECT_HELP}${FILTER_HELP}${PLACE_HELP}
Ctrl-C stops the replay between two batches; the same command continues it. A letter whose publish was not confirmed is
published again; its effects still happen once.
Exit code: 0 all are published (and resolved, with --wait), 1 some were skipped, failed again or have no outcome.
`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      ...EFFECT_OPTIONS,
      all: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      rate: { type: 'string' },
      wait: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const names = parseNames(positionals);
    const filter = toFilter(values, Date.now());
    checkChoice(names, filter, values.all);
    const rate = wholeNumber('rate', values.rate, { min: 1, max: 100_000 }) ?? DEFAULT_RATE;
    const wait = wholeNumber('wait', values.wait, { min: 1, max: 86_400 });
    if (wait !== undefined && values['dry-run']) {
      throw new UsageError('--dry-run publishes nothing: it cannot be combined with --wait');
    }
    const { again, 'dry-run': isDryRun, json: isJson } = values;
    const claim = parseClaim(values);
    return {
      place: values,
      run: (dlq) => run(dlq, { names, filter, rate, wait, again, isDryRun, isJson, claim }),
    };
  },
};

interface Options {
  names: string[];
  filter: LetterFilter;
  rate: number;
  /** Seconds. */
  wait: number | undefined;
  again: boolean;
  isDryRun: boolean;
  isJson: boolean;
  /** The user's statement about effects that may have happened. */
  claim: EffectClaim | undefined;
}

async function run(dlq: Dlq, options: Options): Promise<number> {
  const { state, signal, out, place } = dlq;
  const { names, filter, isDryRun, isJson, again, claim } = options;
  const { project } = place;
  if (project === undefined && !isDryRun) {
    throw new UsageError("--project or GOOGLE_CLOUD_PROJECT must be given: the topics' project");
  }
  const letters = choose(await listLetters(state, { signal }), names, filter, UNSETTLED, place.command);
  const plan = await planReplay(dlq, letters, { again });
  if (!isJson) for (const line of describePlan(plan, options)) await out.line(line);
  const unknown = claim && (await unknownEffects(dlq, plan.wanted, claim));
  if (unknown && !isJson) for (const line of unknown.lines) await out.line(line);
  const report: Report = { key: undefined, plan, sent: { published: [], unmarked: [], left: [] } };
  if (project === undefined || isDryRun || plan.wanted.length === 0) {
    if (isJson) await out.json(asJson(report, options));
    return exitCode(report);
  }
  if (claim && unknown) await settleEffects(dlq, unknown.effects, claim);
  const failure = await publishAll(dlq, project, report, options);
  if (failure === undefined && options.wait !== undefined) {
    report.outcomes = await waitForOutcomes(dlq, markedOf(report.sent), options.wait * 1_000);
  }
  if (isJson) await out.json(asJson(report, options));
  else for (const line of describeOutcomes(report, place.command)) await out.line(line);
  if (failure !== undefined) throw failure.error;
  return exitCode(report);
}

/** Returns undefined if all letters were sent. */
async function publishAll(
  dlq: Dlq,
  project: string,
  report: Report,
  { rate, again, isJson }: Options,
): Promise<{ error: unknown } | undefined> {
  const { progress, clock, out, signal, place } = dlq;
  const { wanted } = report.plan;
  const { sent } = report;
  const key = randomBytes(8).toString('hex');
  report.key = key;
  const hint = 'deploy.sh creates one per function; REPLAY_TOPIC_PREFIX sets their prefix';
  const publishing = openPublisher(place, project, signal, hint);
  const started = clock.now();
  const done = (): string => `${count(sent.published.length)} of ${counted(wanted.length, 'dead letter')}`;
  progress.start(() => `replay: ${done()} published, ${secondsText(clock.now() - started)}`);
  let failure: { error: unknown } | undefined;
  try {
    await sendLetters(dlq, wanted, { key, rate, again, publishing, sent });
    if (signal.aborted) failure = { error: signal.reason };
  } catch (error) {
    failure = { error };
  } finally {
    publishing.close();
    progress.stop();
  }
  if (!isJson) {
    await out.line(`${done()} published in ${secondsText(clock.now() - started)}, replay ${key}`);
    if (failure !== undefined) await out.line('run the same command again to continue');
  }
  return failure;
}
