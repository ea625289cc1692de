/**
 * What is needed in an account to find targets of each kind.
 *
 * Owns the list of what the target provider asks for, and nothing that changes anything: a fault's own needs are its driver's.
 */
import type { Permission } from '../faults/driver.ts';
import type { AwsKind } from '../faults/aws/target.ts';

/** What this worker runs on is looked for with these; by its addresses only in a task of ECS, or where its machine does not say more. */
const OWN = ['ec2:DescribeInstances', 'ec2:DescribeNetworkInterfaces'];

const ACTIONS: Readonly<Record<AwsKind, readonly string[]>> = {
  instance: [...OWN, 'autoscaling:DescribeAutoScalingGroups'],
  subnet: [...OWN, 'ec2:DescribeSubnets'],
  group: [...OWN, 'autoscaling:DescribeAutoScalingGroups'],
  database: ['rds:DescribeDBClusters', 'rds:DescribeDBInstances'],
  cache: ['elasticache:DescribeReplicationGroups', 'elasticache:ListTagsForResource'],
  template: ['fis:ListExperimentTemplates'],
};

/** What is needed to find targets of `kind`. A sweep looks for none. */
export function toFind(kind: AwsKind): Permission {
  return { needs: `to list what may be a target: ${kind}`, actions: [{ actions: ACTIONS[kind], harms: true }] };
}
