/** `aws/instance-cpu`: loops on an instance that keep its processors busy. */
import { instanceCpu } from './on-instance/params.ts';
import { scriptFault } from './script-fault.ts';

export const driver = scriptFault({
  ...instanceCpu,
  kind: 'aws/instance-cpu',
  summary: 'The processors of an instance are busy for a share of their time, by a script that its SSM agent runs.',
  undo: 'the instance ends its loops: when it is told to, when it is not renewed, or when who holds them dies',
});
