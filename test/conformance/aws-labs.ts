/**
 * The labs of every fault in an account: what each is done to, with which parameters, and how its harm is seen past the shim.
 *
 * Owns the list, which the conformance suite and the step matrix share.
 */
import type { Lab } from '../../activities/faults/conformance.ts';
import type { Account } from '../aws/account.ts';
import { openAsgScaleLab } from '../aws/labs/asg-scale.ts';
import { openAsgZoneRemovalLab } from '../aws/labs/asg-zone-removal.ts';
import { openAzOutageLab } from '../aws/labs/az-outage.ts';
import { openCacheFailoverLab } from '../aws/labs/elasticache-failover.ts';
import { openFisLab } from '../aws/labs/fis.ts';
import { openInstanceStopLab } from '../aws/labs/instance-stop.ts';
import { openInstanceTerminateLab } from '../aws/labs/instance-terminate.ts';
import { openClusterFailoverLab, openInstanceFailoverLab } from '../aws/labs/rds-failover.ts';
import {
  openInstanceCpuLab,
  openInstanceDiskFillLab,
  openInstanceMemoryLab,
  openInstanceNetworkLab,
  whyNoScripts,
} from '../aws/labs/scripts.ts';
import { openIsolateLab } from '../aws/labs/security-group-isolate.ts';

/** A fault's name, with what is particular about the lab, and the lab. */
export interface AwsLab {
  readonly name: string;
  readonly open: (account: Account) => Lab | Promise<Lab>;
}

/** Why scripts cannot be run on this machine as on an instance; false where they can. */
export const WITHOUT_SCRIPTS: string | false = whyNoScripts('unshare', 'nsenter', 'mkfs.ext4', 'ip', 'tc');

/** Faults in an account. */
const ALL: readonly AwsLab[] = [
  { name: 'aws/instance-stop', open: openInstanceStopLab },
  { name: 'aws/instance-terminate', open: openInstanceTerminateLab },
  { name: 'aws/az-outage', open: openAzOutageLab },
  { name: 'aws/asg-zone-removal', open: openAsgZoneRemovalLab },
  { name: 'aws/asg-scale', open: openAsgScaleLab },
  { name: 'aws/rds-failover of a cluster', open: openClusterFailoverLab },
  { name: 'aws/rds-failover of an instance', open: openInstanceFailoverLab },
  { name: 'aws/elasticache-failover', open: openCacheFailoverLab },
  { name: 'aws/instance-cpu', open: openInstanceCpuLab },
  { name: 'aws/instance-memory', open: openInstanceMemoryLab },
  { name: 'aws/instance-disk-fill', open: openInstanceDiskFillLab },
  { name: 'aws/instance-network', open: openInstanceNetworkLab },
  { name: 'aws/fis', open: openFisLab },
  { name: 'aws/security-group-isolate', open: openIsolateLab },
];

/** Those that can be played on this machine. */
export const AWS_LABS: readonly AwsLab[] = ALL.filter(
  ({ name }) => WITHOUT_SCRIPTS === false || !/instance-(?:cpu|memory|disk-fill|network)$/.test(name),
);
