import { Account } from '../aws/account.ts';
import { whyNoMoto } from '../aws/moto.ts';
import { accountPlace } from './account-place.ts';
import { AWS_LABS } from './aws-labs.ts';
import { stepMatrix, TODAY, WHOLE } from './driver-matrix.ts';

const open = async (): ReturnType<typeof accountPlace> =>
  accountPlace(await Account.open({ seed: TODAY, rough: { rate: 0.1 } }));

// One fault of three, others each day, unless all are asked for. The emulator goes on listing an experiment of FIS whose template was deleted.
const labs = AWS_LABS.filter(({ name }, at) => name !== 'aws/fis' && (WHOLE || (at + TODAY) % 3 === 0));

stepMatrix(
  'in an account, by a rough way',
  await whyNoMoto(),
  open,
  labs.map((lab) => ({ name: lab.name, open: ({ account }) => lab.open(account) })),
);
