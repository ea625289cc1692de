/** `squall maturity`: at which level chaos is practised, by what proves it; what only the journal says needs no Temporal. */
import { maturityOf, nextRung } from '../domain/maturity.ts';
import type { Assessment, Rung } from '../domain/maturity.ts';
import type { CoverageRow } from '../domain/maturity-coverage.ts';
import { PROVES_NOTHING } from '../domain/maturity-evidence.ts';
import type { ProvesNothing } from '../domain/maturity-evidence.ts';
import { describeJournal } from '../workers/journal.ts';
import { gather } from './maturity-evidence.ts';
import type { Gathered } from './maturity-evidence.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { writeTo } from './report-file.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  readonly html?: string;
}

export async function main(_args: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  const gathered = await gather(config);
  const { evidence } = gathered;
  const maturity = maturityOf(evidence);
  const { whole, services, coverage } = maturity;
  showWhole(whole, out);
  showLeftOut(gathered, describeJournal(config), out);
  for (const service of services) showService(service, out);
  showCoverage(coverage, out);
  if (options.html !== undefined) {
    const { renderMaturity } = await import('../report/maturity.ts');
    await writeTo(options.html, renderMaturity(maturity, evidence, leftOut(gathered)));
    out.event('page', { page: options.html });
    out.line(options.html);
  }
  return 0;
}

const SIGNS = {
  proved: ['green', '✓ proved'],
  missing: ['yellow', '✗ missing'],
  unknown: ['dim', '? unknown'],
} as const;

function showWhole(whole: Assessment, out: Output): void {
  out.event('maturity', { ...whole });
  out.line(out.style('bold', `Level ${whole.level} of 5: ${whole.name}`));
  for (const rung of whole.rungs) showRung(rung, out);
  for (const step of nextRung(whole)?.next ?? []) out.line(`next: ${step}`);
}

function showRung({ level, name, state, proof, runs, missing }: Rung, out: Output): void {
  const [style, words] = SIGNS[state];
  out.line(`  ${level} ${name.padEnd(18)} ${out.style(style, words)}`);
  for (const one of proof) out.line(`      proof: ${one}`);
  if (runs.length > 0) out.line(`      runs: ${runs.join(', ')}`);
  for (const one of missing) out.line(`      missing: ${one}`);
}

function showService(service: Assessment, out: Output): void {
  out.event('maturity', { ...service });
  const rung = nextRung(service);
  out.line(`${out.style('bold', service.service ?? '')}: level ${service.level} of 5, ${service.name}`);
  const proved = service.rungs[service.level - 1];
  for (const one of proved?.proof ?? []) out.line(`      proof: ${one}`);
  if (proved && proved.runs.length > 0) out.line(`      runs: ${proved.runs.join(', ')}`);
  for (const one of rung?.missing ?? []) out.line(`      missing for ${rung?.level ?? ''}: ${one}`);
  for (const step of rung?.next ?? []) out.line(`      next: ${step}`);
}

function showCoverage(coverage: readonly CoverageRow[], out: Output): void {
  for (const row of coverage) out.event('coverage', { ...row });
  const [first] = coverage;
  if (first === undefined) return;
  const names = coverage.map(({ service }) => service ?? 'of no service');
  const width = Math.max(...names.map((name) => name.length));
  const line = (name: string, words: readonly string[]): string =>
    `${name.padEnd(width)}  ${words.map((word) => word.padEnd(9)).join('  ')}`.trimEnd();
  out.line(
    line(
      '',
      first.cells.map(({ faultClass }) => faultClass),
    ),
  );
  for (const [i, { cells }] of coverage.entries())
    out.line(
      line(
        names[i] ?? '',
        cells.map(({ state }) => state),
      ),
    );
}

function showLeftOut(gathered: Gathered, where: string, out: Output): void {
  const { evidence, nothing, unread } = gathered;
  const { runs, productionSites } = evidence;
  out.event('evidence', { runs: runs.length, nothing: Object.fromEntries(nothing), productionSites });
  if (evidence.schedules.found === undefined)
    out.event('unasked', { what: 'schedules', why: evidence.schedules.unasked });
  for (const one of unread) out.event('unread', { ...one });
  if (runs.length === 0) out.line(`no run in ${where} proves anything`);
  for (const words of leftOut(gathered)) out.line(words);
}

/** What is not in the evidence, one sentence each. */
function leftOut({ nothing, unread, evidence: { schedules } }: Gathered): readonly string[] {
  const kinds = Object.entries(PROVES_NOTHING).flatMap(([why, words]) => {
    const many = nothing.get(why as ProvesNothing) ?? 0;
    return many === 0 ? [] : [`${many} ${words}`];
  });
  return [
    ...(kinds.length === 0 ? [] : [`runs that prove nothing: ${kinds.join(', ')}`]),
    ...unread.map(({ problem }) => `not read: ${problem}`),
    ...(schedules.found === undefined ? [`not asked: what is scheduled: ${schedules.unasked}`] : []),
  ];
}
