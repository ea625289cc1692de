/** `squall validate`: checks documents, many at once, and says what is wrong in all of them; touches nothing and needs nothing. */
import { existsSync, statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import type { ParsedExperiment } from '../documents/experiment.ts';
import type { ParsedGameDay } from '../documents/game-day.ts';
import { InvalidDocument } from '../documents/problem.ts';
import { leavesOf } from '../domain/game-day-bounds.ts';
import { violationsOf } from '../domain/policy.ts';
import { policyOf } from '../workers/policy-settings.ts';
import { EXIT } from './exit.ts';
import { documentsOf } from './experiment-file.ts';
import { report, UsageError } from './failure.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  readonly policy?: boolean;
}

export async function main(patterns: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const policy = options.policy === true ? policyOf(config.policy) : undefined;
  const out = output(options.json === true);
  const { files, unmatched } = await filesOf(patterns);
  let code: number = EXIT.held;
  for (const file of files) {
    try {
      const { experiments, program, day } = await documentsOf(file, config);
      const names = experiments.map(({ experiment }) => experiment.name);
      const also = { ...(program && { program: program.name }), ...(day && { gameDay: day.gameDay.name }) };
      out.event('valid', { file, experiments: names, ...also });
      const parts = [
        ...(names.length > 0 ? [names.join(', ')] : []),
        ...(program ? [`program ${program.name}`] : []),
        ...(day ? [`game day ${day.gameDay.name}`] : []),
      ];
      out.line(`${out.style('green', 'valid')}   ${file}: ${parts.join('; ')}`);
      for (const { experiment } of policy ? [...experiments, ...elsewhere(experiments, day)] : []) {
        const violations = policy ? violationsOf(policy, experiment) : [];
        if (violations.length > 0) code = code === EXIT.invalid ? code : EXIT.refused;
        for (const violation of violations) {
          out.event('violation', { file, experiment: experiment.name, violation });
          out.line(`${out.style('yellow', 'policy')}  ${file}: ${experiment.name}: ${violation}`);
        }
      }
    } catch (error) {
      if (error instanceof InvalidDocument) {
        out.event('invalid', { file, problems: error.problems });
        out.line(`${out.style('red', 'invalid')} ${file}`);
        for (const problem of error.message.split('\n')) out.line(problem);
      } else if (error instanceof UsageError) report(error, out.json);
      else throw error;
      code = EXIT.invalid;
    }
  }
  // A name that matches nothing is a mistake, not an empty answer.
  for (const pattern of unmatched) code = report(new UsageError(`${pattern} matches no file`), out.json);
  return code;
}

/** The experiments that a game day takes from other files. */
function elsewhere(
  own: readonly ParsedExperiment[],
  day: ParsedGameDay | undefined,
): Pick<ParsedExperiment, 'experiment'>[] {
  const all = (day?.gameDay.scenarios ?? []).flatMap(({ work }) => leavesOf(work));
  const others = all
    .filter((leaf) => leaf.kind === 'experiment')
    .filter((leaf) => !own.some((one) => one.experiment === leaf.experiment));
  return [...new Map(others.map((leaf) => [leaf.documentHash, leaf])).values()];
}

/** The files of all patterns, and the patterns that match none. */
async function filesOf(patterns: readonly string[]): Promise<{ files: string[]; unmatched: string[] }> {
  const files = new Set<string>();
  const unmatched: string[] = [];
  for (const pattern of patterns) {
    // A file may be called what looks like a pattern.
    const found = existsSync(pattern) ? [pattern] : (await Array.fromAsync(glob(pattern))).filter(isNoFolder);
    if (found.length === 0) unmatched.push(pattern);
    for (const file of found) files.add(file);
  }
  return { files: [...files].toSorted(), unmatched };
}

/** `**` matches folders too. A link to nothing is kept: that it cannot be read is worth saying. */
function isNoFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true;
}
