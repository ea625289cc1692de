/**
 * `squall sweep`: ends every fault on this host whose time is over. Needs no Temporal, so that cron can call it when
 * everything else is gone, and of the configuration only what says where undo records are.
 */
import { sitesOf, sweepSite } from '../workers/sweeper.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { sweepConfigOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common & { site?: string }): Promise<number> {
  const config = await sweepConfigOf(options);
  const out = output(options.json === true);
  const known = sitesOf(config);
  if (options.site !== undefined && !known.includes(options.site))
    throw new UsageError(`found site ${options.site}, expected one of ${known.join(', ')}`);
  let failures = 0;
  for (const name of options.site === undefined ? known : [options.site]) {
    const report = await sweepSite(config, name);
    failures += report.failed.length;
    out.event('swept', { site: name, ...report });
    out.line(
      `${name}: ${report.found} faults found, ${report.reverted.length} ended, ${report.failed.length} not confirmed`,
    );
    for (const words of report.failed) out.line(`  ${out.style('red', 'not confirmed')} ${words}`);
  }
  return failures === 0 ? 0 : EXIT.stuck;
}
