/**
 * A verb: its name, arguments and examples, and where what it does is.
 *
 * Owns how one is added to a command.
 */
import type { Command } from 'commander';

/** Options that every verb understands. */
export interface Common {
  readonly config?: string;
  readonly json?: boolean;
}

/** A verb's module: does its work and returns the exit code. */
interface VerbModule {
  readonly main: (args: readonly string[], options: Common & Record<string, unknown>) => Promise<number>;
}

/** Adds a verb, whose module is loaded when it is asked for. */
export function verb(
  program: Command,
  usage: string,
  description: string,
  load: () => Promise<VerbModule>,
  examples = '',
): Command {
  const command = program.command(usage).description(description);
  if (examples) command.addHelpText('after', `\nExamples:\n${examples}`);
  return command.action(async () => {
    const { main } = await load();
    const args = command.processedArgs.flat() as (string | undefined)[];
    process.exitCode = await main(
      args.filter((arg) => arg !== undefined),
      command.optsWithGlobals(),
    );
  });
}

/** How the name of a run is written among the arguments. */
export const RUN = '<run>';
