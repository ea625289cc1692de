/**
 * What a sandbox is, and what it costs, in words for whoever pays for it.
 *
 * Owns the numbers. Prices are AWS's list prices on demand in us-east-1, in US dollars: https://aws.amazon.com/ec2/pricing/on-demand/,
 * https://aws.amazon.com/ebs/pricing/ and https://aws.amazon.com/vpc/pricing/; other regions may cost up to twice as much.
 */
import { GROUP_SIZE, TYPE } from './place.ts';

/** An hour of an instance; of its volume, 8 GB of gp3 at $0.08 for a GB and month of 730 hours; of a public address. */
const INSTANCE = 0.0104;
const VOLUME = (8 * 0.08) / 730;
const ADDRESS = 0.005;
/** Two by themselves, those of the group, and as many again while the group replaces its own. */
const MOST = 2 + 2 * GROUP_SIZE;

export const WHAT = `It makes a network with 2 subnets and a security group, 2 ${TYPE} of Amazon Linux 2023, and an Auto Scaling group of ${GROUP_SIZE} more:
at most ${MOST} instances at once, for half an hour to an hour. All of it is tagged, and removed at the end.`;

export const COST = `It costs about $${(MOST * (INSTANCE + VOLUME)).toFixed(2)} an hour: ${MOST} × ($${INSTANCE} for a ${TYPE} + $${VOLUME.toFixed(4)} for its 8 GB of gp3), list prices of us-east-1;
other regions up to twice as much. With --instance-profile $${(MOST * ADDRESS).toFixed(2)} more, for ${MOST} public addresses at $${ADDRESS}.`;
