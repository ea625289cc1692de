/**
 * Which actions of AWS Fault Injection Service end: by themselves, after their duration, or since FIS takes back what they did when
 * they are stopped.
 *
 * Owns the list, as AWS's reference has it: https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html. An action must
 * never be on it that only may end: what documents and automations of Systems Manager or custom resources of Kubernetes do is theirs,
 * and of draining the reference does not say that it is taken back.
 */

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'aws:arc': ['start-zonal-autoshift'],
  'aws:cloudwatch': ['assert-alarm-state'],
  'aws:directconnect': ['virtual-interface-disconnect'],
  'aws:dsql': ['cluster-connection-failure'],
  'aws:dynamodb': ['global-table-pause-replication'],
  'aws:ebs': ['pause-volume-io', 'volume-io-latency'],
  'aws:ec2': ['api-insufficient-instance-capacity-error', 'asg-insufficient-instance-capacity-error'],
  'aws:ecs': [
    'task-cpu-stress',
    'task-io-stress',
    'task-network-blackhole-port',
    'task-network-latency',
    'task-network-packet-loss',
  ],
  'aws:eks': [
    'pod-cpu-stress',
    'pod-io-stress',
    'pod-memory-stress',
    'pod-network-blackhole-port',
    'pod-network-latency',
    'pod-network-packet-loss',
  ],
  'aws:elasticache': ['replicationgroup-interrupt-az-power'],
  'aws:fis': ['inject-api-internal-error', 'inject-api-throttle-error', 'inject-api-unavailable-error', 'wait'],
  'aws:kinesis': ['stream-expired-iterator-exception', 'stream-provisioned-throughput-exception'],
  'aws:lambda': ['invocation-add-delay', 'invocation-error', 'invocation-http-integration-response'],
  'aws:memorydb': ['multi-region-cluster-pause-replication'],
  'aws:network': [
    'disrupt-connectivity',
    'disrupt-vpc-endpoint',
    'route-table-disrupt-cross-region-connectivity',
    'transit-gateway-disrupt-cross-region-connectivity',
  ],
  'aws:s3': ['bucket-pause-replication'],
};

/** The ids of those that end, whatever their parameters: `aws:ebs:pause-volume-io`. */
export const ENDING_ACTIONS: ReadonlySet<string> = new Set(
  Object.entries(NAMES).flatMap(([service, names]) => names.map((name) => `${service}:${name}`)),
);
