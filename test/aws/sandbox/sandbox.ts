/**
 * `npm run test:aws`: faults in a real account, on what is made for it and removed afterwards.
 *
 * Owns what its user is asked before anything is made, the order, and the exit code: 0 when all was as promised, 1 when something was not
 * or is left, 2 and 3 when nothing was made, 130 when it was called off and nothing is left.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { cloudOf } from '../../../activities/aws/cloud.ts';
import type { RegionClients } from '../../../activities/aws/cloud.ts';
import { wordsOf } from '../../../activities/aws/denied.ts';
import type { Site } from '../../../activities/faults/driver.ts';
import { awsSettings } from '../../../activities/targets/aws-settings.ts';
import { parseDuration } from '../../../domain/units.ts';
import { whyNotIn, whyUnasked } from './confirmation.ts';
import { COST, WHAT } from './cost.ts';
import { Looks } from './looks.ts';
import { GROUP_SIZE, makePlace, SANDBOX } from './place.ts';
import type { Place } from './place.ts';
import { removeAll } from './removal.ts';
import { tableOf, tryFault } from './trial.ts';
import type { Row } from './trial.ts';
import { trialsOf } from './trials.ts';
import { Waiting } from './waiting.ts';

/** Between two looks, and how long a request may be under way, in milliseconds: at AWS, and at an emulator, which takes no time. */
const REAL = { everyMs: 5_000, requestTimeout: 5_000 };
const EMULATED = { everyMs: 100, requestTimeout: 2_000 };

const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`found ${text}, expected a duration such as 15m`);
  return ms;
};
const matching =
  (pattern: RegExp, expected: string) =>
  (text: string): string => {
    if (!pattern.test(text)) throw new InvalidArgumentError(`found ${text}, expected ${expected}`);
    return text;
  };

const options = new Command('npm run test:aws --')
  .description(
    `Puts faults on a network of its own in an account of AWS that is there for such things, looks at each without its driver, takes it off, and removes everything.\n\n${WHAT}\n${COST}`,
  )
  .requiredOption('--region <name>', 'where', matching(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'a region such as eu-west-1'))
  .option('--account <id>', 'the account it is; without it you are asked', matching(/^\d{12}$/, 'twelve digits'))
  .option('--instance-profile <name>', 'of instances that Systems Manager may reach: a burden is put on one, too')
  .option('--only <faults>', 'some of the faults, such as instance-stop,az-outage')
  .option('--patience <duration>', 'how long one thing may take', duration, 900_000)
  .option('--remove <id>', 'no faults: remove what an earlier sandbox has left', matching(/^[0-9a-f]{8}$/, 'its id'))
  .option('--endpoint <url>', 'where an emulator listens')
  .addHelpText(
    'after',
    `
Examples:
  npm run test:aws -- --region eu-west-1
  npm run test:aws -- --region eu-west-1 --account 123456789012 --instance-profile sandbox-ssm
  npm run test:aws -- --region eu-west-1 --account 123456789012 --remove 0a1b2c3d

Credentials are found as AWS's SDK finds them: AWS_PROFILE, the environment, a role. What they must be allowed to do is in
docs/aws.md. Ctrl-C removes everything, too; what a killed run has left is removed with --remove.
`,
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{
    region: string;
    account?: string;
    instanceProfile?: string;
    only?: string;
    patience: number;
    remove?: string;
    endpoint?: string;
  }>();

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The exit code. */
async function main(): Promise<number> {
  const { region, endpoint, account: named, remove } = options;
  const { everyMs, requestTimeout } = endpoint === undefined ? REAL : EMULATED;
  const settings = awsSettings.safeParse({ regions: [region], endpoint, requestTimeout });
  if (!settings.success) return refused(2, settings.error.issues.map(({ message }) => message).join('; '));
  const terminal = { input: process.stdin, output: process.stdout };
  const unasked = whyUnasked(named, terminal);
  if (unasked !== undefined) return refused(3, unasked);
  const clients = cloudOf(settings.data).region(region);
  const { Account, Arn = '' } = await (await clients.sts()).getCallerIdentity({});
  say(`account ${Account ?? '?'}, as ${Arn}, region ${region}\n`);
  if (remove === undefined) say(`${WHAT}\n${COST}\n`);
  const why = await whyNotIn(Account, named, terminal);
  if (why !== undefined) return refused(3, why);
  const id = remove ?? randomBytes(4).toString('hex');
  const ending = calledOff();
  const waiting = new Waiting(ending, options.patience, everyMs);
  const site = { name: 'sandbox', installation: `sandbox-${id}`, stateDir: '', settings: { aws: settings.data } };
  const { rows, problem } = remove === undefined ? await faults(id, site, clients, waiting) : { rows: [] };
  if (rows.length > 0) say(`\n${tableOf(rows)}\n`);
  if (problem !== undefined) say(`it went wrong: ${problem}`);
  const left = await removeAll(id, clients, waiting, say);
  if (left.length > 0) {
    say(`these are LEFT in the account, with the tag ${SANDBOX}=${id} or in a network that has it:`);
    for (const one of left) say(`  ${one}`);
    say(`try again: npm run test:aws -- --region ${region} --remove ${id}`);
    return 1;
  }
  say(`nothing with the tag ${SANDBOX}=${id} is left`);
  if (ending.aborted) return 130;
  return problem !== undefined || rows.some((row) => row.problem !== undefined) ? 1 : 0;
}

function refused(code: number, why: string): number {
  process.stderr.write(`refused: ${why}; nothing was made\n`);
  return code;
}

/** Aborted by Ctrl-C and the like; another one changes nothing: what is there must be removed. */
function calledOff(): AbortSignal {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      say(`${name}: everything is being removed; wait for it`);
      ending.abort(new Error(`called off by ${name}`));
    });
  return ending.signal;
}

/** Everything that is made is left to be removed. */
async function faults(
  id: string,
  site: Site,
  clients: RegionClients,
  waiting: Waiting,
): Promise<{ readonly rows: readonly Row[]; readonly problem?: string }> {
  const { instanceProfile: profile, only, region } = options;
  const rows: Row[] = [];
  try {
    say(`making the sandbox ${id}: all of it has the tag ${SANDBOX}=${id}`);
    const place = await makePlace({ id, clients, waiting, profile });
    const looks = new Looks(clients);
    await served(place, looks, waiting, profile !== undefined);
    const wanted = only?.split(',');
    for (const trial of await trialsOf(place, looks, region, profile !== undefined)) {
      const { kind } = trial.driver(site);
      if (wanted !== undefined && !wanted.includes(kind.replace('aws/', ''))) continue;
      say(`${kind} on ${trial.of}, ${trial.target}`);
      rows.push(await tryFault(trial, site, waiting));
    }
    return { rows, ...(rows.length === 0 ? { problem: `there is none of ${only ?? ''}` } : {}) };
  } catch (error) {
    return { rows, ...(waiting.signal.aborted ? {} : { problem: wordsOf(error) }) };
  }
}

async function served(place: Place, looks: Looks, waiting: Waiting, withAgents: boolean): Promise<void> {
  const { group, instances } = place;
  say(`waiting until ${instances.length} instances and a group of ${GROUP_SIZE} pass their status checks`);
  await waiting.until('all instances pass their status checks', async () => {
    const members = await looks.serving(group);
    const all = await Promise.all([...instances, ...members].map((one) => looks.instance(one)));
    return members.length === GROUP_SIZE && all.every(({ isSound }) => isSound);
  });
  if (withAgents) await waiting.until('Systems Manager hears the agent', () => looks.isManaged(instances[0]));
}

process.exitCode = await main().catch((error: unknown) => refused(3, wordsOf(error)));
