/** `squall gameday plan`: the brief of a game day, and its calendar. Needs no server and no site; nothing is touched. */
import { gameDayBrief } from '../report/game-day-brief.ts';
import { gameDayCalendar } from '../report/game-day-calendar.ts';
import { documentsOf } from './experiment-file.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { writeTo } from './report-file.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verb.ts';

interface Options extends Common {
  readonly ics?: string;
  readonly mailDomain?: string;
}

export async function plan([file = '']: readonly string[], options: Options): Promise<number> {
  const { day } = await documentsOf(file, await configOf(options));
  if (day === undefined)
    throw new UsageError(`${file} has no game day; it needs a document that begins with \`gameDay:\``);
  const { ics, mailDomain } = options;
  if (mailDomain !== undefined && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(mailDomain))
    throw new UsageError(`found --mail-domain ${mailDomain}, expected a domain such as example.com`);
  if (ics !== undefined) {
    const calendar = gameDayCalendar(day.gameDay, { nowMs: Date.now(), ...(mailDomain && { mailDomain }) });
    if (calendar === undefined)
      throw new UsageError(
        `${day.gameDay.name} has no date, so no calendar can have it; write when it is, such as date: 2026-12-04 10:00 America/Los_Angeles`,
      );
    if (ics === '-') {
      process.stdout.write(calendar);
      return 0;
    }
    await writeTo(ics, calendar);
  }
  const out = output(options.json === true);
  out.event('plan', { ...day, ...(ics === undefined ? {} : { ics }) });
  for (const line of gameDayBrief(day.gameDay).trimEnd().split('\n')) out.line(line);
  return 0;
}
