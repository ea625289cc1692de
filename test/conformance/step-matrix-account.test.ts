import { Account } from '../aws/account.ts';
import { whyNoMoto } from '../aws/moto.ts';
import { accountPlace } from './account-place.ts';
import type { AccountPlace } from './account-place.ts';
import { AWS_LABS } from './aws-labs.ts';
import { stepMatrix, STEPS } from './driver-matrix.ts';
import { TODAY, WHOLE } from './today.ts';

/** With more of them for long, the emulator answers too late. */
const BESIDE = 5;

const open = async (seed: number): ReturnType<typeof accountPlace> =>
  // All faults ask one emulator at once, which takes a while for each, and longer the more there has ever been in it.
  accountPlace(await Account.open({ seed, rough: { rate: 0.1 }, requestTimeout: 2_000, alone: true }));

const SKIP = await whyNoMoto();
const LABS = AWS_LABS.map(({ name, open: openLab }) => ({
  name,
  open: ({ account }: AccountPlace) => openLab(account),
}));
for (const [at, steps] of (WHOLE ? STEPS.map((step) => [step]) : [undefined]).entries())
  stepMatrix(`in an account, by a rough way${steps ? `: ${steps.join()}` : ''}`, SKIP, () => open(TODAY + at), LABS, {
    turn: 2,
    beside: BESIDE,
    steps,
  });
