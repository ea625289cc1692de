/**
 * The verbs, as `--help` shows them.
 *
 * Owns names, arguments and examples. What a verb does is in the file of its name, loaded when it is asked for.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { gameDayVerbs } from './gameday-verbs.ts';
import { scheduleVerbs } from './schedule-verbs.ts';
import { RUN, verb } from './verb.ts';

export type { Common } from './verb.ts';

/** Adds every verb to the program. */
export const verbs: readonly ((program: Command) => void)[] = [
  (program) =>
    verb(
      program,
      'dev',
      'Temporal with its UI, and a worker for everything: all local, until Ctrl-C',
      () => import('./dev.ts'),
      '  squall dev\n  squall dev --config squall.yaml --db temporal.db\n  TEMPORAL_ADDRESS=127.0.0.1:7233 squall dev',
    )
      .option('--db <file>', 'keep Temporal’s database in this file')
      .option('--port <port>', 'Temporal’s port', '7233')
      .option('--ui-port <port>', 'the UI’s port', '8233'),
  (program) =>
    verb(
      program,
      'worker',
      'serve runs (control), a site, or both, until it is told to stop',
      () => import('./worker.ts'),
      '  squall worker --control\n  squall worker --site prod-eu --config /etc/squall.yaml',
    )
      .option('--control', 'serve workflows and the journal')
      .option('--site <name>', 'serve the faults, targets and probes of this site')
      .option('--metrics-port <port>', 'where /metrics, /healthz and /readyz are served (0: any free port)')
      .option('--metrics-host <address>', 'the address they are served on (0.0.0.0: every one)', '127.0.0.1'),
  (program) =>
    verb(
      program,
      'validate <files...>',
      'check documents; touches nothing',
      () => import('./validate.ts'),
      "  squall validate 'experiments/**/*.yaml'\n  squall validate --policy slow.yaml --config control.yaml",
    ).option('--policy', 'and against the policy of the configuration'),
  (program) =>
    verb(
      program,
      'plan <file>',
      'show what a run would touch, and what would undo it; touches nothing',
      () => import('./plan.ts'),
      '  squall plan slow.yaml\n  squall plan experiments.yaml --name slow-payments --json\n  squall plan slow.yaml --offline',
    )
      .option('--name <experiment>', 'which document of the file')
      .option('--seed <text>', 'choose the same targets as a run with this seed')
      .option('--offline', 'what can be told without a server and a site: neither targets nor guards'),
  (program) =>
    verb(
      program,
      'run <file>',
      'run an experiment; Ctrl-C aborts and waits for the rollback',
      () => import('./run.ts'),
      '  squall run experiments/application/slow.yaml\n  squall run slow.yaml --detach --json\n  squall run slow.yaml --label ci',
    )
      .option('--name <experiment>', 'which document of the file')
      .option('--seed <text>', 'choose the same targets as a run with this seed')
      .option(
        '--label <name>',
        'find it again by this, such as ci; may be given again',
        (one: string, all: readonly string[] | undefined): readonly string[] => [...(all ?? []), one],
      )
      .option('--approve-by <duration>', 'how long it waits for the approvals that the policy asks for (1h)')
      .option('--detach', 'start it and return at once'),
  (program) =>
    verb(
      program,
      'list',
      'open runs, and those that ended lately',
      () => import('./list.ts'),
      '  squall list\n  squall list --json | jq -r .run',
    ),
  (program) =>
    verb(
      program,
      `status ${RUN}`,
      'where a run is',
      () => import('./status.ts'),
      '  squall status slow-payments-20261124-101500-x7k2',
    ),
  (program) =>
    verb(
      program,
      `watch ${RUN}`,
      'follow a run',
      () => import('./watch.ts'),
      '  squall watch slow-payments-20261124-101500-x7k2',
    ),
  (program) =>
    verb(
      program,
      `abort ${RUN}`,
      'end a run early; returns when it has rolled back',
      () => import('./abort.ts'),
      "  squall abort slow-payments-20261124-101500-x7k2 --reason 'customers complain'\n  squall abort … --mode graceful --no-wait",
    )
      .option('--reason <text>', 'why, for the journal', 'aborted from the command line')
      .addOption(new Option('--mode <mode>', 'how').choices(['immediate', 'graceful']).default('immediate'))
      .option('--no-wait', 'return as soon as the run has been told'),
  (program) =>
    verb(
      program,
      `approve ${RUN}`,
      'allow the plan that a run waits with, as somebody other than who started it',
      () => import('./approve.ts'),
      '  squall approve slow-payments-20261124-101500-x7k2 --plan 5f3a9c81\n  SQUALL_AS=alice SQUALL_KEY=alice.pem squall approve …',
    )
      .option(
        '--plan <hash>',
        'exactly this plan: its hash, or its first 8 digits; without, it is shown, and you are asked',
      )
      .option('--reason <text>', 'why, for the journal'),
  (program) =>
    verb(
      program,
      `reject ${RUN}`,
      'end a run that waits for approval',
      () => import('./reject.ts'),
      "  squall reject slow-payments-20261124-101500-x7k2 --reason 'not during the sale'",
    )
      .option('--plan <hash>', 'only if this is the plan: its hash, or how it begins')
      .option('--reason <text>', 'why, for the journal'),
  (program) =>
    verb(
      program,
      `note ${RUN} <words...>`,
      'a timed remark in a run’s journal',
      () => import('./note.ts'),
      "  squall note slow-payments-20261124-101500-x7k2 'the cache was cold'",
    ),
  (program) =>
    verb(
      program,
      'policy',
      'what this configuration allows, whatever an experiment asks, and whether control workers have the same',
      () => import('./policy.ts'),
      '  squall policy --config control.yaml\n  squall policy --json | jq .policy.hash',
    ),
  (program) =>
    verb(
      program,
      'stop',
      'emergency stop: end every run at once, and admit none until `resume`; returns when all have rolled back',
      () => import('./stop.ts'),
      "  squall stop --reason 'checkout is down'\n  squall stop --site prod-eu --reason INC-4711 --no-wait",
    )
      .option('--site <name>', 'only the runs at this site')
      .option('--reason <text>', 'why; whoever is refused reads it', 'no reason was given')
      .option('--no-wait', 'return as soon as the stop is latched'),
  (program) =>
    verb(
      program,
      'resume',
      'end an emergency stop',
      () => import('./resume.ts'),
      "  squall resume --reason 'INC-4711 is over'\n  squall resume --site prod-eu --reason 'INC-4711 is over'",
    )
      .option('--site <name>', 'the stop of this site')
      .requiredOption('--reason <text>', 'why'),
  scheduleVerbs,
  gameDayVerbs,
  (program) =>
    verb(
      program,
      `report ${RUN}`,
      'write a run’s report',
      () => import('./report.ts'),
      '  squall report slow-payments-20261124-101500-x7k2\n  squall report … --format json --output -',
    )
      .addOption(new Option('--format <format>', 'of the report').choices(['html', 'json']).default('html'))
      .option('--output <file>', 'where to (default: beside the journal’s files, or here; - for standard output)'),
  (program) =>
    verb(
      program,
      'history',
      'every run in the journal',
      () => import('./history.ts'),
      '  squall history --config squall.yaml',
    ),
  (program) =>
    verb(
      program,
      'maturity',
      'at which of five levels chaos is practised, by what proves it, for the whole and each service; and what is missing',
      () => import('./maturity.ts'),
      '  squall maturity --config control.yaml\n  squall maturity --html maturity.html\n' +
        '  squall maturity --json | jq \'select(.event == "maturity") | [.service, .level]\'',
    ).option('--html <file>', 'write it as a page too, with the coverage of services by classes of faults'),
  (program) =>
    verb(
      program,
      'audit',
      'who did what: starts, aborts, stops; and whether somebody changed it afterwards',
      () => import('./audit.ts'),
      '  squall audit\n  squall audit --verify\n  squall audit --verify --head 8d0f…',
    )
      .option('--verify', 'check the chain of digests: exit 0, or 1 with the first entry that does not fit')
      .option('--head <digest>', 'the last digest of an earlier time; check that the chain still holds it'),
  (program) =>
    verb(
      program,
      'sweep',
      'end every fault here whose time is over; needs no Temporal',
      () => import('./sweep.ts'),
      '  * * * * * squall sweep --site local',
    ).option('--site <name>', 'which site’s faults (default: every site in the configuration)'),
  (program) =>
    verb(
      program,
      'faults [kinds...]',
      'the catalogue of faults, or some of them',
      () => import('./faults.ts'),
      '  squall faults\n  squall faults host/stutter\n  squall faults kubernetes/scale --permissions | kubectl apply -f -\n' +
        '  squall faults aws/instance-stop --permissions iam --tag chaos=allowed > policy.json\n' +
        '  squall faults --permissions iam --sweep',
    )
      .option(
        '--permissions [format]',
        'print what a worker needs for them: the role in a cluster (rbac), or the policy in an AWS account (iam)',
      )
      .option('--role <name>', 'the name of that role (default: after the fault)')
      .option('--tag <key=value>', 'in that policy, only targets with this tag may be changed')
      .option('--sweep', 'in that policy, only what a sweep needs, which puts nothing on'),
  (program) =>
    verb(
      program,
      'schema',
      'the JSON Schema of experiments, programs and game days, for editors',
      () => import('./schema.ts'),
      '  squall schema > squall.schema.json',
    ),
];
