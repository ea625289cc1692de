/** The result of a torture as text: leaks, endings, and the time from the blow to the clean target. Pure. */
import type { Fate } from './trial.ts';

/** Renders the table that README quotes. */
export function table(fates: readonly Fate[], options: { readonly seed: string; readonly ttl: number }): string {
  const counted = fates.filter(({ counts }) => counts);
  const leaks = fates.filter(({ leaked }) => leaked.length > 0);
  const blows = [...new Set(counted.map(({ blow }) => blow))].toSorted();
  const rows = blows.map((blow) =>
    row(
      blow,
      counted.filter((fate) => fate.blow === blow),
    ),
  );
  const acted = counted.some(({ actedMs }) => actedMs !== undefined)
    ? ` ${'acts'.padStart(7)} ${'max s'.padStart(7)}`
    : '';
  const head = `${'blow'.padEnd(42)} ${'trials'.padStart(6)} ${'leaks'.padStart(6)}${acted} ${'p50 s'.padStart(7)} ${'max s'.padStart(7)}  ended`;
  const sum = `${leaks.length} leaked faults in ${counted.length} trials (${fates.length - counted.length} did not count: no fault was on), seed ${options.seed}, time-to-live ${options.ttl / 1000} s`;
  return ['', head, ...rows, row('all', counted), '', ...faults(fates), sum, ''].join('\n');
}

/** What of each fault was struck: a trial in which one never acts proves nothing of it. */
function faults(fates: readonly Fate[]): string[] {
  const of = Map.groupBy(fates, ({ fault = '' }) => fault);
  of.delete('');
  if (of.size === 0) return [];
  const number = (some: readonly Fate[]): string => String(some.length).padStart(6);
  const rows = [...of]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([fault, runs]) => {
      const acted = runs.filter((fate) => fate.acted === true);
      const leaked = runs.filter((fate) => fate.leaked.length > 0);
      const trials = runs.filter(({ counts }) => counts);
      return `${fault.padEnd(42)} ${number(runs)} ${number(acted)} ${number(trials)} ${number(leaked)}`;
    });
  return [`${'fault'.padEnd(42)}   runs  acted trials  leaks`, ...rows, ''];
}

function row(name: string, fates: readonly Fate[]): string {
  const clean = middleAndMost(fates.map(({ cleanMs }) => cleanMs));
  const acted = fates.flatMap(({ actedMs }) => actedMs ?? []);
  const leaks = fates.filter(({ leaked }) => leaked.length > 0).length;
  return `${name.padEnd(42)} ${String(fates.length).padStart(6)} ${String(leaks).padStart(6)}${acted.length > 0 ? middleAndMost(acted) : ''}${clean}  ${endings(fates)}`;
}

function middleAndMost(allMs: readonly number[]): string {
  const sorted = allMs.map((ms) => ms / 1000).toSorted((a, b) => a - b);
  return [0.5, 1]
    .map((share) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1))
    .map((text) => ` ${text.padStart(7)}`)
    .join('');
}

function endings(fates: readonly Fate[]): string {
  const ends = new Map<string, number>();
  for (const { ended } of fates) ends.set(ended, (ends.get(ended) ?? 0) + 1);
  return [...ends]
    .toSorted(([, a], [, b]) => b - a)
    .map(([end, count]) => `${count} ${end}`)
    .join(', ');
}
