/**
 * The command line: one verb, one file.
 *
 * Owns the list of verbs. Each verb's module is loaded only when it is asked for, so that `--help` is quick.
 */
import { Command, CommanderError } from 'commander';
import pkg from '../package.json' with { type: 'json' };
import { endProcess } from './ending.ts';
import { EXIT } from './exit.ts';
import { verbs } from './verbs.ts';

const program = new Command('squall')
  .description('Chaos experiments that always end clean: whatever dies, the fault ends.')
  .version(pkg.version)
  .option('--config <file>', "the worker's squall.yaml (or SQUALL_CONFIG)")
  .option('--json', 'one JSON object a line, for programs')
  .showHelpAfterError('(see --help)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  squall dev                                    Temporal, a worker and its UI, all local
  squall validate 'experiments/**/*.yaml'       check documents; touches nothing
  squall plan experiments/infrastructure/replicas-freeze.yaml
                                                show exactly what a run would touch
  squall run experiments/infrastructure/replicas-freeze.yaml
                                                run it; Ctrl-C aborts and waits for the rollback

Exit: 0 held · 1 deviated · 2 invalid input · 3 refused · 4 rollback unconfirmed · 5 unreachable · 6 no verdict · 130 Ctrl-C`,
  );

for (const verb of verbs) verb(program);

// Whoever reads may go away early (`squall run … | head`): a run that is followed is not let go for that.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // EIO is a terminal that was closed.
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  // No verb at all prints the help, and is no success either.
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.invalid;
    if (error.exitCode !== 0 && process.argv.includes('--json'))
      process.stdout.write(
        `${JSON.stringify({ event: 'error', at: new Date().toISOString(), message: error.message })}\n`,
      );
  } else {
    const { report } = await import('./failure.ts');
    process.exitCode = report(error, program.opts<{ json?: boolean }>().json === true);
  }
}
endProcess();
