import { describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import type { Lab } from '../../activities/faults/conformance.ts';
import { Account } from '../aws/account.ts';
import type { AccountOptions } from '../aws/account.ts';
import { whyNoMoto } from '../aws/moto.ts';
import { AWS_LABS, WITHOUT_SCRIPTS } from './aws-labs.ts';
import type { AwsLab } from './aws-labs.ts';
import { oneOfToday, thirdOfToday, TODAY, WHOLE } from './today.ts';

/** Each is another sequence of throttles, errors, lost and late answers, reads of the past, and of capacity that is not there. */
const SEEDS = [1, 2, 3];
/** Of a hundred requests, so many go wrong. */
const RATE = 0.1;
/** Most of it is waiting. */
const AT_ONCE = 5;

/** Suites are all opened as they are registered: who has no turn yet waits for somebody to close. */
let free = AT_ONCE;
const waiting: (() => void)[] = [];
async function turn(): Promise<void> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else free -= 1;
}
function leave(): void {
  const next = waiting.shift();
  if (next === undefined) free += 1;
  else next();
}

/** A lab in an account of its own, so that what is slow is not the emulator with what others have made. */
async function alone(lab: AwsLab, options: AccountOptions): Promise<Lab> {
  await turn();
  const account = await Account.open({ ...options, alone: true });
  const opened = await lab.open(account);
  return {
    ...opened,
    async close() {
      await opened.close?.();
      await account.close();
      leave();
    },
  };
}

const SKIP = await whyNoMoto();
if (SKIP !== false) test('AWS faults on an emulator', { skip: SKIP }, () => undefined);
else {
  if (WITHOUT_SCRIPTS !== false)
    test('faults that are a script on an instance', { skip: WITHOUT_SCRIPTS }, () => undefined);
  void describe('AWS faults on an emulator', { concurrency: AT_ONCE }, () => {
    for (const lab of thirdOfToday(AWS_LABS)) conformance(`${lab.name}, calm`, () => alone(lab, {}));
  });
  void describe('AWS faults on an emulator, by a rough way', { concurrency: AT_ONCE }, () => {
    for (const lab of thirdOfToday(AWS_LABS, 1))
      for (const seed of WHOLE ? SEEDS : [oneOfToday(SEEDS, Math.floor(TODAY / SEEDS.length))])
        conformance(`${lab.name}, rough ${seed}`, () => alone(lab, { seed, rough: { rate: RATE } }));
  });
}
