/**
 * A ranking in words.
 *
 * Owns how a score, and how far an experiment goes, are explained. Pure.
 */
import type { Choice, RadiusStep, Ranked } from './picking.ts';

/** `1.08 = risk 1.2 × value 0.9 × …`, as far as the picker has any. */
export function reasonsOf({ score, untested, reasons, deployed }: Ranked): string {
  const { disruption = 0, ...factors } = reasons;
  const product = Object.entries(factors).map(([name, value]) => `${name} ${value}`);
  const minus = disruption === 0 ? '' : ` − disruption ${disruption}`;
  const made = product.length === 0 ? '' : ` = ${product.join(' × ')}${minus}`;
  const first = untested === true ? 'untested  ' : '';
  const seen = deployed === undefined ? '' : `  ${DEPLOYED[deployed]}`;
  return `${first}${score === undefined ? '' : `${score}${made}`}${seen}`;
}

const DEPLOYED = {
  'since-tested': '(deployed since its last test)',
  unknown: '(deployed: unknown, no change seen)',
};

/** `at 2%, step 2 of 4: wider since … held`. */
export function radiusWords({ size, step, of, since }: RadiusStep): string {
  const moved = since && `${since.held ? 'wider' : 'narrower'} since ${since.run} ${since.held ? 'held' : 'failed'}`;
  return `at ${size.text}, step ${step} of ${of}: ${moved ?? 'no run of it has moved it'}`;
}

/** Who was not taken, each with the reason. */
export function leftOutOf({
  refused = [],
  passedOver,
}: Choice): readonly (readonly [experiment: string, why: string])[] {
  return [
    ...refused.map(({ experiment, guard, found }) => [experiment, `not then: ${guard}: ${found}`] as const),
    ...passedOver.map(
      ({ experiment, finding, unread }) =>
        [
          experiment,
          unread === true
            ? `passed over: the journal of ${finding} cannot be read, so that nobody knows whether it deviated; mend it, or take it away`
            : `passed over: ${finding} deviated, and nobody has acknowledged it`,
        ] as const,
    ),
  ];
}

/** How many were ranked that are not listed. */
export function unlistedOf({ of, ranking, refused = [] }: Choice): number {
  return of - refused.length - ranking.length;
}

/** The ranking as Markdown, for Temporal's UI. */
export function rankingMarkdown(choice: Choice): string {
  const more = unlistedOf(choice);
  return [
    ...choice.ranking.map((ranked) => `1. \`${ranked.experiment}\` ${reasonsOf(ranked)}`.trimEnd()),
    ...(more > 0 ? [`\nand ${more} more`] : []),
    ...leftOutOf(choice).map(([experiment, why]) => `- \`${experiment}\` ${why}`),
  ].join('\n');
}
