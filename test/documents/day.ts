/** A game day that is right, for tests that make it wrong, and the experiments of its file. */
import { parseFile } from '../../documents/file.ts';
import type { ParsedGameDay } from '../../documents/game-day.ts';
import type { OtherFiles } from '../../documents/game-day-files.ts';
import { formatProblem } from '../../documents/problem.ts';
import { catalogue, VALID } from './experiment.ts';

/** Uses every key there is. */
export const DAY = `gameDay: the-day
purpose: We learn whether it holds
date: 2026-12-04 10:00 America/Los_Angeles
duration: 4h
site: local
roles: { commander: alice, scribe: bob, communications: carol, observers: [dan, erin] }
briefing: |
  Nobody deploys.

  Look at **customers**.
abortOn:
  - { probe: orders, dropsBy: 50%, for: 1m, abort: communicate }
watch:
  - { probe: orders, stands: business }
  - { probe: availability, stands: availability }
  - { probe: latency-p99 }
sampleEvery: 10s
scenarios:
  - scenario: slow
    at: T+0
    run: slow-payments
    expect: It is slow
    criteria:
      - { recovery: 30s }
      - { hypothesis: holds }
      - { name: nothing is lost, probe: lost-orders, max: 0, when: at-end }
      - { probe: availability, min: 99% }
      - { probe: dns-answer, between: [0, 1], within: 5m }
      - { probe: orders, within: 10% of baseline, when: within 2m }
      - { alert: HighErrorRate, within: 2m }
      - { judged: clear customer communication, by: communications }
      - { judged: nobody panics }
    timeout: 1h
  - scenario: gone
    at: T+1h30m
    run:
      sequence:
        - byHand: Tell customers.
        - parallel:
            - slow-payments
            - { file: ../other/gone.yaml, experiment: gone }
    expect: It is gone
    criteria:
      - { judged: all is well, by: scribe }
    timeout: 30m
    approve: auto
---
${VALID}`;

/** What stands in the file that the day names. */
export const OTHER: OtherFiles = new Map([['../other/gone.yaml', Buffer.from(VALID.replace('slow-payments', 'gone'))]]);

/** The game day of a text. Throws where it is wrong. */
export function dayOf(text: string = DAY): ParsedGameDay {
  const parsed = parseFile(text, 'days/it.yaml', catalogue, OTHER);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  if (parsed.day === undefined) throw new Error('there is no game day');
  return parsed.day;
}

/** What is wrong with a game day, one line each, without the frame. */
export function wrongs(text: string, others = OTHER, known = catalogue): string[] {
  const parsed = parseFile(text, 'days/it.yaml', known, others);
  if (parsed.ok) return [];
  return parsed.problems.map((problem) => formatProblem(problem).split('\n')[0]?.replace('days/it.yaml:', '') ?? '');
}
