/**
 * Runs that are to complete, on a machine that may stand still for some seconds.
 *
 * Owns the words that say no more than that somebody came too late: such a run is played again. Whatever else it ends with counts.
 */

/** How often a run is played at most. */
const TIMES = 3;
/**
 * How a run says that somebody came too late to watch it. That a fault ended by itself, or was not renewed, is no such word: a race of
 * ours would say the same.
 */
const TOO_LATE = [
  'was watched for only',
  'nobody is watching',
  'has no data',
  'nobody looked',
  'no answer from the site worker',
];

/** How a run has ended. */
interface Played {
  readonly status: string;
  readonly deviated: boolean | null;
  readonly reason: string;
}

/**
 * How a run ends that is to complete. `again` is undefined at first; where it is played again it is a word for the name of a run,
 * since no name is used twice.
 */
export async function steadily<Ended extends Played>(
  play: (again: string | undefined) => Promise<Ended>,
): Promise<Ended> {
  for (let time = 1; ; time += 1) {
    const ended = await play(time === 1 ? undefined : `again-${time}`);
    if (time === TIMES || !cameTooLate(ended)) return ended;
    process.stdout.write(`played again, since ${ended.reason}\n`);
  }
}

function cameTooLate({ status, deviated, reason }: Played): boolean {
  return status === 'inconclusive' && deviated === null && TOO_LATE.some((words) => reason.includes(words));
}
