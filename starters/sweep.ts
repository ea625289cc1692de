/**
 * `squall sweep`: ends every fault on this host whose time is over. Needs no Temporal, so that cron can call it when
 * everything else is gone, and of the configuration only what says where undo records are: what is wrong in it is said afterwards.
 */
import { accountOf } from '../activities/aws/account.ts';
import type { AwsAccount } from '../activities/aws/account.ts';
import { InvalidDocument } from '../documents/problem.ts';
import { sitesOf, sweepSite } from '../workers/sweeper.ts';
import { EXIT } from './exit.ts';
import { report as fail, UsageError } from './failure.ts';
import { output } from './output.ts';
import { sweepConfigOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common & { site?: string }): Promise<number> {
  const { config, problems } = await sweepConfigOf(options);
  const out = output(options.json === true);
  const known = sitesOf(config);
  // Where something is wrong, it may be the site's name: what it is called matters less than that it is swept.
  if (options.site !== undefined && !known.includes(options.site) && problems.length === 0)
    throw new UsageError(`found site ${options.site}, expected one of ${known.join(', ')}`);
  let failures = 0;
  for (const name of options.site === undefined ? known : [options.site]) {
    const [report, aws] = await Promise.all([sweepSite(config, name), accountOf(config.sites[name]?.['aws'])]);
    failures += report.failed.length;
    out.event('swept', { site: name, ...report, ...(aws && { aws }) });
    out.line(
      `${name}: ${report.found} faults found, ${report.reverted.length} ended, ${report.failed.length} not confirmed`,
    );
    // With the credentials of another account nothing is found either.
    if (aws !== undefined) out.line(`  looked in ${accountWords(aws)}`);
    for (const words of report.unseen ?? []) out.line(`  not looked for ${words}`);
    for (const words of report.failed) out.line(`  ${out.style('red', 'not confirmed')} ${words}`);
  }
  const wrong = problems.length === 0 ? 0 : fail(new InvalidDocument(problems), out.json);
  return failures === 0 ? wrong : EXIT.stuck;
}

function accountWords({ account, why = 'nobody knows why', regions }: AwsAccount): string {
  return `${account === null ? `an account that nobody could tell (${why})` : `account ${account}`}: ${regions.join(', ')}`;
}
