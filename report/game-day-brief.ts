/**
 * The brief of a game day: one page of Markdown to send round before it.
 *
 * Owns what is on the page, and the words. Written from the document alone: nothing is asked of a server or a site. The briefing is its
 * author's Markdown; all else that is written in a document reads as it is.
 */
import { describeStopCondition } from '../domain/breach.ts';
import type { Experiment } from '../domain/experiment.ts';
import { leavesOf } from '../domain/game-day-bounds.ts';
import type { GameDay, Scenario, Work } from '../domain/game-day.ts';
import { exactDuration, formatOffset, nameAndAsked } from '../domain/game-day-words.ts';
import { formatDuration } from '../domain/units.ts';
import { calendarDay, clockTime } from './game-day-clock.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';

/** The page. */
export function gameDayBrief(day: GameDay): string {
  const parts = [
    `# Game day: ${day.name}`,
    escapeMarkdown(day.purpose),
    summary(day),
    ...(day.briefing === '' ? [] : ['## Briefing', day.briefing]),
    '## Timeline',
    timeline(day),
    ...day.scenarios.flatMap((scenario) => [heading(scenario), ...scenarioParts(scenario)]),
    '## What ends the day early',
    ending(day),
  ];
  return `${parts.join('\n\n')}\n`;
}

function summary(day: GameDay): string {
  const { commander, scribe, communications, observers } = day.roles;
  const sites = [...new Set(experimentsOf(day).map(({ targets }) => targets.site))];
  const rows: [string, string][] = [
    ['When', whenOf(day)],
    ['Probes are read at', `\`${day.site}\`, every ${formatDuration(day.sampleEveryMs)}`],
    ['Faults are put on at', sites.map((site) => `\`${site}\``).join(', ') || 'nowhere: all is done by hand'],
    ['Commander', `${escapeMarkdown(commander)}: begins, approves, pauses, skips, extends, aborts`],
    ...(scribe === undefined
      ? []
      : ([['Scribe', `${escapeMarkdown(scribe)}: writes down what happens`]] as [string, string][])),
    ...(communications === undefined
      ? []
      : ([['Communications', `${escapeMarkdown(communications)}: tells those outside`]] as [string, string][])),
    ...(observers.length === 0
      ? []
      : ([['Observers', `${escapeMarkdown(observers.join(', '))}: judge what no probe can`]] as [string, string][])),
  ];
  return markdownTable(['', ''], rows);
}

/** `Friday 4 December 2026, 10:00 to 14:00 America/Los_Angeles (18:00 to 22:00 UTC)`. */
function whenOf({ planned, durationMs }: GameDay): string {
  if (planned === undefined) return `whenever the commander begins it; ${exactDuration(durationMs)} at most`;
  const span = (zone: string): string => {
    const [from, to] = [planned.atMs, planned.atMs + durationMs] as const;
    const last = calendarDay(to, zone);
    const over = last === calendarDay(from, zone) ? '' : ` on ${last}`;
    return `${clockTime(from, zone)} to ${clockTime(to, zone)}${over}`;
  };
  const utc = planned.zone === 'UTC' ? '' : ` (${calendarDay(planned.atMs, 'UTC')}, ${span('UTC')} UTC)`;
  return `${calendarDay(planned.atMs, planned.zone)}, ${span(planned.zone)} ${planned.zone}${utc}`;
}

function timeline({ planned, scenarios, roles }: GameDay): string {
  const rows = scenarios.map(({ name, offsetMs, timeoutMs, approve }) => [
    formatOffset(offsetMs),
    ...(planned === undefined ? [] : [clockTime(planned.atMs + offsetMs, planned.zone)]),
    name,
    approve === 'auto' ? 'by itself' : `when ${escapeMarkdown(roles.commander)} lets it`,
    exactDuration(timeoutMs),
  ]);
  const clock = planned === undefined ? [] : [planned.zone];
  return markdownTable(['at the earliest', ...clock, 'scenario', 'begins', 'takes at most'], rows);
}

function heading({ name, offsetMs }: Scenario): string {
  return `### ${formatOffset(offsetMs)} ${name}`;
}

function scenarioParts({ expected, work, criteria, timeoutMs }: Scenario): string[] {
  return [
    `**Expected:** ${escapeMarkdown(expected)}`,
    `**Done:**\n\n${workLines(work, 0).join('\n')}`,
    `**Met when:**\n\n${criteria.map((criterion) => `- ${escapeMarkdown(nameAndAsked(criterion))}`).join('\n')}`,
    `What is not over after ${exactDuration(timeoutMs)} is aborted, and what is not met then is missed.`,
  ];
}

function workLines(work: Work, level: number): string[] {
  const item = `${'  '.repeat(level)}- `;
  if (work.kind === 'by-hand') return [`${item}by hand, since no driver does it: ${escapeMarkdown(work.step)}`];
  if (work.kind === 'experiment') return [`${item}${experimentWords(work.experiment)}`];
  const how = work.kind === 'sequence' ? 'one after the other:' : 'side by side:';
  return [`${item}${how}`, ...work.of.flatMap((part) => workLines(part, level + 1))];
}

/** What it does, how far it goes, and what ends it. */
function experimentWords({ name, hypothesis, fault, targets, blastRadius, stopConditions }: Experiment): string {
  const { stages, holdMs, max } = blastRadius;
  const reach = `${stages.map(({ text }) => text).join(', then ')} of its targets${max === undefined ? '' : `, ${max} at most`}`;
  const stops = stopConditions.map((condition) => describeStopCondition(condition)).join('; ') || 'nothing of its own';
  return `\`${name}\`: ${escapeMarkdown(hypothesis)}. \`${fault}\` at \`${targets.site}\`, on ${reach}, for ${formatDuration(holdMs)} each; ends early on ${stops}`;
}

function ending({ abortOn, durationMs }: GameDay): string {
  return [
    ...abortOn.map((condition) => `- ${describeStopCondition(condition)}`),
    `- its time: after ${exactDuration(durationMs)} what is still open is skipped, unless the commander extends it`,
    '- anybody who sees harm: `squall stop` ends every fault at once',
  ].join('\n');
}

function experimentsOf({ scenarios }: GameDay): Experiment[] {
  return scenarios.flatMap(({ work }) =>
    leavesOf(work).flatMap((leaf) => (leaf.kind === 'experiment' ? [leaf.experiment] : [])),
  );
}
