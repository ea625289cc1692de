/**
 * The verbs of `squall gameday`, as `--help` shows them.
 *
 * Owns names, arguments and examples.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { DayAct } from '../domain/game-day-acts.ts';
import { verb } from './verb.ts';

/** Adds them to the program. */
export function gameDayVerbs(program: Command): void {
  const gameDay = program
    .command('gameday')
    .description('game days: scenarios on a timeline, with roles, criteria and a report')
    .addHelpText(
      'after',
      '\nExamples:\n  squall gameday plan experiments/game-days/shop.yaml\n  SQUALL_AS=alice squall gameday start experiments/game-days/shop.yaml\n  squall gameday list',
    );
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
  courseVerbs(gameDay);
  commanderVerbs(gameDay);
  everybodysVerbs(gameDay);
}

const DAY = '<day>';
const BY = 'who you are (default: SQUALL_AS, or who this machine says)';
const one = 'payments-at-noon-20261204-180000-x7k2';

const collected = (one: string, all: readonly string[] = []): readonly string[] => [...all, one];

function courseVerbs(gameDay: Command): void {
  verb(
    gameDay,
    'start <file>',
    'call the day of a file, and begin it where you are its commander; follows it, and Ctrl-C leaves it to itself',
    async () => ({ main: (await import('./gameday.ts')).start }),
    '  SQUALL_AS=alice squall gameday start experiments/game-days/shop.yaml\n  squall gameday start day.yaml --by alice --detach',
  )
    .option('--by <name>', BY)
    .option('--no-begin', 'only call it: `squall gameday begin` begins it')
    .option('--detach', 'call it and return at once');
  verb(
    gameDay,
    `status ${DAY}`,
    'where a day is: its scenarios, what was found of them, and what waits for whom',
    async () => ({ main: (await import('./gameday.ts')).status }),
    `  squall gameday status ${one}`,
  );
  verb(
    gameDay,
    `watch ${DAY}`,
    'follow a day',
    async () => ({ main: (await import('./gameday.ts')).watch }),
    `  squall gameday watch ${one}`,
  );
  verb(
    gameDay,
    `room ${DAY}`,
    'serve a page to follow a day on and to act in it, at the desk or on a phone, until Ctrl-C; prints a link for each person',
    () => import('./gameday-room.ts'),
    `  squall gameday room ${one} --as alice\n  squall gameday room … --link observer:dan --link guest:eve\n  squall gameday room … --host 0.0.0.0 --port 8080`,
  )
    .option('--as <name>', BY)
    .option('--link <role:name>', 'a link for somebody else too, who acts as that name; may be given again', collected)
    .option('--host <address>', 'where to listen (default: this machine alone; what goes further is not encrypted)')
    .option('--port <number>', 'where to listen (default: any free port)');
  verb(
    gameDay,
    'list',
    'every day in the journal',
    async () => ({ main: (await import('./gameday.ts')).list }),
    '  squall gameday list\n  squall gameday list --json | jq -r .day',
  );
  verb(
    gameDay,
    `report ${DAY}`,
    'write a day’s report, or its action items for where work is kept',
    () => import('./gameday-report.ts'),
    `  squall gameday report ${one}\n  squall gameday report … --format md\n  squall gameday report … --format csv --out actions.csv`,
  )
    .addOption(
      new Option('--format <format>', 'of the report').choices(['html', 'md', 'json', 'csv', 'issues']).default('html'),
    )
    .option(
      '--out <file>',
      'where to (default: a page beside the journal’s files, or here, all others on standard output; -: that)',
    )
    .option('--reports <url>', 'where reports of runs are published: links in action items begin with it');
}

function commanderVerbs(gameDay: Command): void {
  const act = (usage: string, kind: DayAct['act'], description: string, examples: string): Command =>
    verb(
      gameDay,
      usage,
      description,
      async () => ({ main: (await import('./gameday-act.ts')).acting(kind) }),
      examples,
    ).option('--by <name>', BY);
  act(`begin ${DAY}`, 'begin', 'begin a day that was called (commander)', `  squall gameday begin ${one}`);
  act(
    `approve ${DAY}`,
    'approve',
    'let the scenario begin that is due (commander)',
    `  squall gameday approve ${one}\n  squall gameday approve … --scenario 2`,
  ).option('--scenario <number>', 'only if it is this one');
  act(
    `skip ${DAY}`,
    'skip',
    'do without the scenario that is due, or end the one that runs (commander)',
    `  squall gameday skip ${one} --reason 'we have seen enough'`,
  )
    .option('--scenario <number>', 'only if it is this one')
    .option('--reason <text>', 'why, for the record');
  act(
    `pause ${DAY}`,
    'pause',
    'begin no other scenario; what runs goes on (commander)',
    `  squall gameday pause ${one} --reason 'lunch'`,
  ).option('--reason <text>', 'why, for the record');
  act(`resume ${DAY}`, 'resume', 'go on (commander)', `  squall gameday resume ${one}`);
  act(
    `abort ${DAY}`,
    'abort',
    'end the day: what runs is rolled back (commander; `squall stop` is everybody’s)',
    `  squall gameday abort ${one} --reason 'customers complain'`,
  ).option('--reason <text>', 'why, for the record');
  act(
    `extend ${DAY} <duration>`,
    'extend',
    'give the day, or the scenario that runs, more time (commander)',
    `  squall gameday extend ${one} 30m\n  squall gameday extend … 5m --scenario`,
  ).option('--scenario', 'the scenario that runs, and not the day');
}

function everybodysVerbs(gameDay: Command): void {
  const act = (usage: string, kind: DayAct['act'], description: string, examples: string): Command =>
    verb(
      gameDay,
      usage,
      description,
      async () => ({ main: (await import('./gameday-act.ts')).acting(kind) }),
      examples,
    ).option('--by <name>', BY);
  act(
    `note ${DAY} <words...>`,
    'note',
    'a timed remark in the day’s record',
    `  squall gameday note ${one} 'the pager went at last'`,
  );
  act(
    `judge ${DAY} <criterion> <answer>`,
    'judge',
    'say whether a criterion is met that people judge: yes or no (whose role it is)',
    `  squall gameday judge ${one} 3 yes --because 'the page said so within a minute'\n  squall gameday judge … 'clear customer' no`,
  ).option('--because <text>', 'what you saw');
  act(
    `done ${DAY} [step...]`,
    'done',
    'a step by hand has been taken; which, where several are open',
    `  squall gameday done ${one}\n  squall gameday done … 'Tell customers'`,
  );
  act(
    `finding ${DAY} <words...>`,
    'finding',
    'something was learnt',
    `  squall gameday finding ${one} 'nobody knew the runbook'`,
  ).option('--scenario <number>', 'in which one (default: the one that runs)');
  act(
    `action ${DAY} <words...>`,
    'action',
    'something is to be done about it',
    `  squall gameday action ${one} 'write the runbook' --owner bob`,
  )
    .requiredOption('--owner <name>', 'who does it')
    .option('--scenario <number>', 'what of (default: the one that runs)');
}
