/**
 * The verbs of `squall gameday`, as `--help` shows them.
 *
 * Owns names, arguments and examples.
 */
import type { Command } from 'commander';
import { verb } from './verb.ts';

/** Adds them to the program. */
export function gameDayVerbs(program: Command): void {
  const gameDay = program
    .command('gameday')
    .description('game days: scenarios on a timeline, with roles, criteria and a report')
    .addHelpText('after', '\nExamples:\n  squall gameday plan experiments/game-days/shop.yaml');
  verb(
    gameDay,
    'plan <file>',
    'one page to send round, in Markdown, and the calendar of the day; needs no server, and touches nothing',
    async () => ({ main: (await import('./gameday-plan.ts')).plan }),
    '  squall gameday plan experiments/game-days/shop.yaml > brief.md\n' +
      '  squall gameday plan day.yaml --ics day.ics --mail-domain example.com\n  squall gameday plan day.yaml --ics -',
  )
    .option(
      '--ics <file>',
      'write the day and its scenarios as a calendar (- for standard output, instead of the page)',
    )
    .option('--mail-domain <domain>', 'where people who are named without an address have theirs, for the calendar');
}
