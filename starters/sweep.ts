/**
 * `squall sweep`: ends every fault on this host whose time is over. Needs no Temporal, so that cron can call it when
 * everything else is gone.
 */
import { sweep } from '../activities/sweep.ts';
import { openSite } from '../workers/open-site.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

/** How long one site's sweep may take, in milliseconds. */
const SWEEP_MS = 120_000;

export async function main(_args: readonly string[], options: Common & { site?: string }): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  const sites = options.site === undefined ? Object.keys(config.sites) : [options.site];
  if (sites.length === 0) throw new UsageError('the configuration names no site; name one with --site');
  let failures = 0;
  for (const name of sites) {
    const site = await openSite(config, name);
    const endsAtMs = performance.now() + SWEEP_MS;
    const attempt = { signal: AbortSignal.timeout(SWEEP_MS), remainingMs: () => endsAtMs - performance.now() };
    const report = await sweep(site.drivers.values(), attempt);
    failures += report.failed.length;
    out.event('swept', { site: name, ...report });
    out.line(
      `${name}: ${report.found} faults found, ${report.reverted.length} ended, ${report.failed.length} not confirmed`,
    );
    for (const words of report.failed) out.line(`  ${out.style('red', 'not confirmed')} ${words}`);
  }
  return failures === 0 ? 0 : EXIT.stuck;
}
