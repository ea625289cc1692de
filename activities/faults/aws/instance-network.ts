/** `aws/instance-network`: what an instance sends is late, lost or slow. */
import { instanceNetwork } from './on-instance/params.ts';
import { scriptFault } from './script-fault.ts';

export const driver = scriptFault({
  ...instanceNetwork,
  kind: 'aws/instance-network',
  summary:
    'What an instance sends is late, lost or slow, by a script that its SSM agent runs; the agent itself is not.',
  undo: 'the instance deletes its queueing discipline: when it is told to, or when it is not renewed',
});
