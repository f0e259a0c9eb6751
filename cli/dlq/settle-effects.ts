import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import {
  type FoundEffect,
  idempotencyKeyOf,
  listEffects,
  settleEffect,
} from '../../shared/patterns/effect-records.ts';
import { currentUser } from '../common/current-user.ts';
import { UsageError } from '../common/options.ts';
import type { Dlq } from './dlq.ts';

/** A person's finding about effects whose records do not say whether they happened. */
export type EffectClaim = { happened: true; value: unknown } | { happened: false };

interface UnknownEffect {
  letter: LetterSummary;
  effect: FoundEffect;
}

export const EFFECT_OPTIONS = {
  'effect-done': { type: 'boolean', default: false },
  'effect-again': { type: 'boolean', default: false },
  'effect-value': { type: 'string' },
} as const;

export const EFFECT_HELP = `  --effect-done      side effects of unknown outcome did happen: they are not run again
  --effect-value JSON  what such an effect returned, if its function uses it (one effect at a time)
  --effect-again     they did not happen: they are run again
`;

/** Returns undefined if no option about effects was given. */
export function parseClaim(values: {
  'effect-done': boolean;
  'effect-again': boolean;
  'effect-value'?: string | undefined;
}): EffectClaim | undefined {
  const { 'effect-done': isDone, 'effect-again': isAgain, 'effect-value': value } = values;
  if (isDone && isAgain) throw new UsageError('--effect-done and --effect-again cannot be combined');
  if (value !== undefined && !isDone) throw new UsageError('--effect-value must be given with --effect-done');
  if (isAgain) return { happened: false };
  return isDone ? { happened: true, value: parseValue(value) } : undefined;
}

function parseValue(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    throw new UsageError('--effect-value must be JSON');
  }
}

const AT_A_TIME = 16;

/** Finds the letters' effects with an unknown outcome, and describes each in a line. */
export async function unknownEffects(
  { state, clock, signal }: Dlq,
  letters: readonly LetterSummary[],
  claim: EffectClaim,
): Promise<{ effects: UnknownEffect[]; lines: string[] }> {
  const found = await mapConcurrent(letters, AT_A_TIME, async (letter) => {
    const effects = await listEffects(state, letter, clock.now(), signal);
    return effects.map((effect) => ({ letter, effect }));
  });
  const effects = found.flat().filter(({ effect }) => effect.state === 'unknown');
  if (claim.happened && claim.value !== undefined && effects.length !== 1) {
    throw new UsageError(`--effect-value needs exactly 1 unknown effect, got ${effects.length}`);
  }
  const verb = claim.happened ? 'marked as done' : 'will be run again';
  const lines = effects.map(({ letter: { letter, function: by, eventId }, effect: { name, started } }) => {
    const key = idempotencyKeyOf({ function: by, eventId, name });
    return `effect ${name} of ${letter.slice(0, 12)}, started ${started.startedAt}, key ${key}: ${verb}`;
  });
  return { effects, lines };
}

/** Records the finding. Must be called before anything is published. */
export async function settleEffects(
  { state, clock, signal }: Dlq,
  effects: readonly UnknownEffect[],
  claim: EffectClaim,
): Promise<void> {
  const said = { ...claim, by: currentUser(), at: new Date(clock.now()) };
  await mapConcurrent(effects, AT_A_TIME, ({ letter, effect }) => {
    const { function: by, eventId } = letter;
    return settleEffect(state, { function: by, eventId, name: effect.name }, effect, said, signal);
  });
}
