/**
 * `squall plan --offline`: what a document asks for, and what its fault says of itself, where nobody can be asked.
 *
 * Owns what is told without a server, a site or a target. Must never say whom it would hit, or that a run would be let.
 */
import { reversalOf } from '../activities/faults/reversal.ts';
import type { Tolerance } from '../domain/experiment.ts';
import { planViolationsOf, violationsOf } from '../domain/policy.ts';
import { describeTolerance } from '../domain/steady-state.ts';
import { percent } from '../domain/units.ts';
import { openSite } from '../workers/open-site.ts';
import { policyOf } from '../workers/policy-settings.ts';
import { EXIT } from './exit.ts';
import { oneExperiment } from './experiment-file.ts';
import { output } from './output.ts';
import { showAsked, showUndo } from './plan-show.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

/** Prints it; the exit code is that of a plan. The policy is that of this configuration, as far as it goes by the document alone. */
export async function planOffline(file: string, options: Common & { readonly name?: string }): Promise<number> {
  const config = await configOf(options);
  const { experiment } = await oneExperiment(file, config, options.name);
  const { name, hypothesis, fault, targets, steadyState, blastRadius } = experiment;
  const driver = (await openSite(config, 'catalogue')).drivers.get(fault);
  if (driver === undefined) throw new Error(`there is no fault ${fault}`);
  const { undo, expiry } = driver;
  const permissions = driver.permissions.map(({ needs }) => needs);
  const reversal = reversalOf(driver, experiment.with);
  const policy = policyOf(config.policy);
  const untold = { reversal, stages: [], candidates: 0 };
  const violations = [...violationsOf(policy, experiment), ...planViolationsOf(policy, experiment, untold)];
  const out = output(options.json === true);
  out.event('plan', {
    offline: true,
    ...experiment,
    experiment: name,
    undo,
    reversal,
    expiry,
    permissions,
    violations,
  });
  out.line(`${out.style('bold', name)}: ${hypothesis}`);
  out.line('');
  for (const { group, probe, tolerance } of steadyState)
    out.line(`  ${group.padEnd(12)} ${probe}: ${accepted(tolerance)}`);
  for (const violation of violations) out.line(`  ${out.style('red', 'FAIL')}  policy          ${violation}`);
  out.line('');
  const most = blastRadius.max === undefined ? '' : `, ${blastRadius.max} targets at most`;
  out.line(`${fault} at ${targets.site}: ${blastRadius.stages.map(({ text }) => text).join(', ')}${most}`);
  out.line('');
  showAsked(experiment, out);
  showUndo({ undo, reversal, expiry, permissions }, out);
  out.line('');
  out.line(
    'Nobody was asked: `squall plan` without --offline says whom it would hit, what the guards say, and how long it takes.',
  );
  return violations.length === 0 ? EXIT.held : EXIT.refused;
}

function accepted(tolerance: Tolerance): string {
  return tolerance.kind === 'baseline'
    ? `within ${percent(tolerance.share)} of the baseline`
    : describeTolerance(tolerance);
}
