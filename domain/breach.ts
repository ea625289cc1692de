/**
 * Breaches: whether one value breaches one stop condition, and how to say it.
 *
 * Owns the meaning of each kind of threshold. A comparison with a baseline that was not taken breaches: what cannot be
 * judged is not safe.
 */
import type { Breach, StopCondition } from './experiment.ts';
import type { Dimension, Quantity } from './quantity.ts';
import { formatDuration, formatQuantity } from './units.ts';

/** What a value is judged with, besides the condition. */
export interface Context {
  readonly baseline: number | undefined;
  readonly dimension: Dimension | undefined;
  /** How far the running total rose within the condition's window; only for `count`. */
  readonly rise: number;
}

/** A judgement: `words` reads `error-rate 7.2% is above 5%`, or `… is not above 5%`. */
export interface Judgement {
  readonly breaches: boolean;
  readonly words: string;
}

/** Judges one finite `value`, in the probe's canonical unit. */
export function judge({ probe, breach }: StopCondition, value: number, context: Context): Judgement {
  const say = (breaches: boolean, what: string): Judgement => ({
    breaches,
    words: `${probe} ${formatQuantity(value, dimensionOf(breach, context))} is ${breaches ? '' : 'not '}${what}`,
  });
  switch (breach.kind) {
    case 'above':
      return say(value > breach.limit.value, `above ${breach.limit.text}`);
    case 'below':
      return say(value < breach.limit.value, `below ${breach.limit.text}`);
    case 'outside':
      return say(
        value < breach.min.value || value > breach.max.value,
        `outside ${breach.min.text} to ${breach.max.text}`,
      );
    case 'drops':
    case 'rises':
      return judgeAgainstBaseline(probe, breach, value, context, say);
    case 'count': {
      const breaches = context.rise >= breach.count;
      const words = `${probe} rose by ${formatQuantity(context.rise, 'count')} within ${formatDuration(breach.withinMs)}`;
      return { breaches, words: `${words}, ${breaches ? 'at least' : 'less than'} ${breach.count}` };
    }
  }
}

/** A stop condition in words: `error-rate above 5% for 1m`. */
export function describeStopCondition({ probe, breach, forMs }: StopCondition): string {
  const lasting = forMs > 0 ? ` for ${formatDuration(forMs)}` : '';
  return `${probe} ${describeBreach(breach)}${lasting}`;
}

function describeBreach(breach: Breach): string {
  switch (breach.kind) {
    case 'above':
    case 'below':
      return `${breach.kind} ${breach.limit.text}`;
    case 'outside':
      return `outside ${breach.min.text} to ${breach.max.text}`;
    case 'drops':
    case 'rises':
      return `${breach.kind} by more than ${formatQuantity(breach.share, 'ratio')}`;
    case 'count':
      return `rises by ${breach.count} within ${formatDuration(breach.withinMs)}`;
  }
}

function judgeAgainstBaseline(
  probe: string,
  breach: Extract<Breach, { kind: 'drops' | 'rises' }>,
  value: number,
  { baseline, dimension = 'count' }: Context,
  say: (breaches: boolean, what: string) => Judgement,
): Judgement {
  if (baseline === undefined) return { breaches: true, words: `${probe} cannot be judged: no baseline was taken` };
  const down = breach.kind === 'drops';
  const limit = baseline + Math.abs(baseline) * (down ? -breach.share : breach.share);
  const share = formatQuantity(breach.share, 'ratio');
  const what = `more than ${share} ${down ? 'below' : 'above'} the baseline ${formatQuantity(baseline, dimension)}`;
  return say(down ? value < limit : value > limit, what);
}

function dimensionOf(breach: Breach, { dimension }: Context): Dimension {
  if (dimension !== undefined) return dimension;
  const limit: Quantity | undefined =
    breach.kind === 'outside' ? breach.min : 'limit' in breach ? breach.limit : undefined;
  return limit?.dimension ?? 'count';
}
