import { Account } from '../aws/account.ts';
import { whyNoMoto } from '../aws/moto.ts';
import { accountPlace } from './account-place.ts';
import { AWS_LABS } from './aws-labs.ts';
import { stepMatrix } from './driver-matrix.ts';
import { TODAY } from './today.ts';

/** With more of them for long, the emulator answers too late. */
const BESIDE = 5;

const open = async (): ReturnType<typeof accountPlace> =>
  // All faults ask one emulator at once, which takes a while for each.
  accountPlace(await Account.open({ seed: TODAY, rough: { rate: 0.1 }, requestTimeout: 2_000 }));

stepMatrix(
  'in an account, by a rough way',
  await whyNoMoto(),
  open,
  AWS_LABS.map((lab) => ({ name: lab.name, open: ({ account }) => lab.open(account) })),
  BESIDE,
);
