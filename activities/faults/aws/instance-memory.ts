/** `aws/instance-memory`: memory of an instance is taken. */
import { instanceMemory } from './on-instance/params.ts';
import { scriptFault } from './script-fault.ts';

export const driver = scriptFault({
  ...instanceMemory,
  kind: 'aws/instance-memory',
  summary: 'Memory of an instance is taken, up to a share of it, by a script that its SSM agent runs.',
  undo: 'the instance ends the process that has the memory: when it is told to, when it is not renewed, or when who holds it dies',
});
