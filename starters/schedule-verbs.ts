/**
 * The verbs of `squall schedule`, as `--help` shows them.
 *
 * Owns names, arguments and examples.
 */
import type { Command } from 'commander';
import { RUN, verb } from './verb.ts';

/** Adds them to the program. */
export function scheduleVerbs(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('programs: experiments that run by themselves, at their times')
    .addHelpText(
      'after',
      '\nExamples:\n  squall schedule apply experiments/programs/monkey.yaml\n  squall schedule list\n  squall schedule pause chaos-monkey\n  squall schedule why monkey-kill-20261124-101500-x7k2',
    );
  verb(
    schedule,
    'apply <file>',
    'schedule the program of a file; changes only what has changed, and what is paused stays so',
    async () => ({ main: (await import('./schedule.ts')).apply }),
    '  squall schedule apply experiments/programs/monkey.yaml\n  squall schedule apply monkey.yaml --prune',
  ).option('--prune', 'remove cadences that the file no longer has');
  verb(
    schedule,
    'list',
    'what is scheduled, when it is next, and what it did last',
    async () => ({ main: (await import('./schedule.ts')).list }),
    '  squall schedule list --json | jq -r .next',
  );
  const cadence = '<program[/cadence]>';
  verb(
    schedule,
    `pause ${cadence}`,
    'begin no more; what runs goes on (`squall abort` and `squall stop` end it)',
    async () => ({ main: (await import('./schedule.ts')).telling('pause') }),
    "  squall schedule pause chaos-monkey --reason 'the sale has begun'",
  ).option('--reason <text>', 'why; whoever lists it reads it');
  verb(
    schedule,
    `resume ${cadence}`,
    'go on',
    async () => ({ main: (await import('./schedule.ts')).telling('resume') }),
    '  squall schedule resume chaos-monkey/every-ten-minutes',
  ).option('--reason <text>', 'why');
  verb(
    schedule,
    `tick ${cadence}`,
    'do now what comes at the next time, unless the one before is not over',
    async () => ({ main: (await import('./schedule.ts')).telling('tick') }),
    '  squall schedule tick chaos-monkey',
  );
  verb(
    schedule,
    'why <run|tick>',
    'why a program took this experiment, or would have, or none: the ranking, and who was passed over',
    async () => ({ main: (await import('./schedule-why.ts')).why }),
    '  squall schedule why monkey-kill-20261124-101500-x7k2\n  squall schedule why … --json | jq .ranking[0]\n  squall schedule why squall-program/chaos-monkey/often-2026-11-24T10:15:00Z',
  );
  verb(
    schedule,
    `acknowledge ${RUN}`,
    'somebody has looked into why it deviated: programs may take its experiment again',
    async () => ({ main: (await import('./schedule-why.ts')).acknowledge }),
    "  squall schedule acknowledge monkey-kill-20261124-101500-x7k2 --reason 'retries are bounded now, SHOP-214'",
  ).requiredOption('--reason <text>', 'what was found out; the journal and the audit keep it');
  verb(
    schedule,
    `remove ${cadence}`,
    'schedule it no more',
    async () => ({ main: (await import('./schedule.ts')).telling('remove') }),
    '  squall schedule remove chaos-monkey',
  );
}
